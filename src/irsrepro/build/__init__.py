"""What stands between configuration and data: paths, files, jobs, sweeps, provenance."""
