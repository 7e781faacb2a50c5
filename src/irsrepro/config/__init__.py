"""Configuration: what is to be computed, with which parameters, and from where they come."""
