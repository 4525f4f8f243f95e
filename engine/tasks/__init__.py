"""Runners of the resources that the engine performs itself, one module per scheme."""
