"""The main example, live: an order whose engine is killed on the way, and one that has to be undone.

`story` tells it, `processes` starts and kills the server and the workers, `workers` is the shop that performs the tasks
and writes what it did to a `ledger`, and `checks` says whether everything happened as told.
"""
