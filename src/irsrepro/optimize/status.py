"""How an iterative method ended, one code for all of them."""

STATUS = ("converged", "iteration limit", "numerical failure")
CONVERGED, ITERATION_LIMIT, FAILURE = range(3)
