"""Datasets of distributed Maps: where items are read from, in which formats, and where results are written to."""
