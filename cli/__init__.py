"""The operator's command line, `detent`: it serves, checks definitions, and talks HTTP to a running server.

Commands live in a module each family; `main` knows them by name only and imports one when it is called, so that
`detent --help` answers at once. Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 executions
would be left behind, 4 server unreachable.
"""
