"""Two versions of a definition side by side: what changed, and where an execution of the one stands in the other."""
