"""Map Runs in Redis: what a distributed Map has started, what has come of it, and who drives it."""
