"""Every scheme of the legends: a module with `design`."""
