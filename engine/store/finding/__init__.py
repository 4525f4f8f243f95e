"""Finding executions: filters, the indexes they are answered from, pages and counts."""
