"""The same problems as the kernels solve, written the obvious way with public solvers."""
