"""Expressions: what a definition computes from data. Each is parsed once, at publish, and evaluated many times."""
