"""Reports, pages and lists for people."""
