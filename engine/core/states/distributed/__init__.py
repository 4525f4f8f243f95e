"""Distributed Map: what it asks of a Map Run, and what becomes of its answer."""
