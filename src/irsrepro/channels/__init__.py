"""Physics floor: random streams, layouts, path loss and fading."""
