"""Riemannian conjugate gradients."""
