"""Max-min semidefinite programs over matrices with unit diagonal, certified and batched."""
