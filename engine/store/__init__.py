"""The store: the only layer that speaks Redis. Keys, codec, connection, and one Lua file per atomic deed."""
