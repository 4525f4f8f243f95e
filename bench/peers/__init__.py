"""Detent and its peers side by side: the same workflow, on the same machine, from the same client, in turns."""
