"""Moving a running execution to another version of its definition, and back."""
