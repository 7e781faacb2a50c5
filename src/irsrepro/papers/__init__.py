"""Papers floor: one package per paper, named by its citation key."""
