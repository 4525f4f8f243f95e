"""What operators ask of executions, one or many: orders, pauses, operations and where executions stand."""
