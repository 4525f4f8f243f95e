"""The index entries of an execution: what a commit has to write where they change, and the pruner has to remove.

Pure. Each is an entry of a zset in the execution's own partition; keys.py tells which there are.
"""

from __future__ import annotations

from engine.core.execution import Execution
from engine.store.finding.filter import text_of
from engine.store.finding.rows import Row
from engine.store.keys import Keys, listed_as, versioned

Entries = dict[str, tuple[str, str]]  # key -> (score, member)


def entries_of(keys: Keys, namespace: str, row: Row) -> Entries:
    """Every entry that the indexes have of the execution."""
    partition = keys.partition_of(f"{namespace}:{row.id}")
    definition, at_start = row.definition, (str(row.started_ms), row.id)
    found = {
        keys.index(partition, namespace, one, row.status): at_start for one in listed_as(definition)
    }
    if row.status == "RUNNING":
        member = versioned(row.version, row.started_ms, row.id)
        found[keys.versions(partition, namespace, definition)] = ("0", member)
        if row.state:
            found[keys.resting(partition, namespace, definition, row.state)] = at_start
    elif row.error is not None:
        found[keys.failed(partition, namespace, definition, row.error)] = at_start
    for name, value in row.attributes.items():
        key = keys.attribute(partition, namespace, definition, name, text_of(value))
        found[key] = at_start
    return found


def row_of_execution(run: Execution, resting: str) -> Row:
    """As far as its entries go."""
    return Row(
        run.id,
        run.version,
        run.status,
        run.started_ms,
        state=resting,
        error=run.error,
        attributes=run.attributes,
    )


def moved(before: Entries, after: Entries) -> tuple[Entries, Entries]:
    """(entries that go, entries that come)."""
    gone = {key: entry for key, entry in before.items() if after.get(key) != entry}
    come = {key: entry for key, entry in after.items() if before.get(key) != entry}
    return gone, come
