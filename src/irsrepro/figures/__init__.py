"""From solutions to pictures and tables."""
