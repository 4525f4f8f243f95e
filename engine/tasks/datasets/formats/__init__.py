"""Formats of datasets: from the bytes of an object to its entries, an entry at a time."""
