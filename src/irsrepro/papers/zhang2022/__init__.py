"""Zhang et al.: manifold optimisation of sum-rate and min-rate over several surfaces (2022)."""
