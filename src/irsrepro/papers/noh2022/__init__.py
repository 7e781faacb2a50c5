"""Cell-free MIMO systems powered by intelligent reflecting surfaces (2022)."""
