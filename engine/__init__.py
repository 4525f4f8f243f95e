"""Detent's engine: definitions in, durable executions out.

The layers, top first: `commands`, `queries`, `runtime`, `rehearsal`; then `store` and `tasks`; then `core`
(deciding, pure); then `language` (text to machine, pure). import-linter keeps the order.
"""
