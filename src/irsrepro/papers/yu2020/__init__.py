"""Yu, Xu, Schober: power-efficient multi-user downlink with a reflecting surface (2020)."""
