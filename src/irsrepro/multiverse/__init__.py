"""The multiverse of a paper: its claims under every reading that is plausible."""
