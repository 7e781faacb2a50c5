"""Optimisation floor: kernels that know no paper, batched over realisations."""
