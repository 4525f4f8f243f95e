"""Commands about definitions: check, compare, publish, migrate."""
