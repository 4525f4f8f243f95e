"""Two versions of one definition, compared: what changed, and what becomes of a strand that rests in the old one. Pure.

A strand is moved from a state of the old version to one of the new. Everything here is told from the two definitions
alone, before any execution is looked at.
"""
