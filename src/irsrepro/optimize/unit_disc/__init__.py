"""Concave quadratic forms over vectors in the unit disc."""
