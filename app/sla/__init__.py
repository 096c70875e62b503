"""Service levels: what was promised, by when it is due, and whether it was kept."""
