"""The Redis server: the embedded one, the wire to any, what it lets us promise."""
