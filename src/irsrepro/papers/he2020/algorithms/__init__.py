"""Algorithms that serve this paper only."""
