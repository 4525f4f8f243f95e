"""Temporary."""


def missing_paths(machine, state, data, *, entered):
    return []
