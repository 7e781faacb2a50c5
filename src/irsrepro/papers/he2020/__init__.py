"""He, Yu, Shi: coordinated passive beamforming for a network of distributed surfaces (2020)."""
