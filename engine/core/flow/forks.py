"""Children of Parallel and Map states: spawning them a window at a time, paging their items, gathering their results.

A Fork keeps counters only. Items that are not spawned at once lie in pages "i:<frame>:<page>", each at most
`PAGE_ITEMS` items or about `PAGE_BYTES`; a Parallel's shared input, if not all branches fit, is page 0. Results lie in
"r:<frame>:<index>" until the join.
"""

from __future__ import annotations

from typing import Any

from msgspec import structs

from engine.core.draft import Draft
from engine.core.execution import ENTER, Fork, Frame
from engine.core.failures import parameters_too_large, result_too_large
from engine.core.limits import (
    PAGE_BYTES,
    PAGE_ITEMS,
    READY_MAX,
    RESIDENT_MAX,
    RESULTS_FACTOR,
    SPAWN_BYTES,
    SPAWN_MAX,
    SWEEP_MAX,
)
from engine.core.outcomes import Divide, Fails
from engine.core.states import map_
from engine.documents import EMPTY_ARRAY, Document
from engine.language.expressions.scope import EFFORT_MAX
from engine.language.machine import Map, Parallel

Child = tuple[
    str, Document, Document | None
]  # the state it starts at, its input, its item where the machine reads it


def begin(draft: Draft, frame: Frame, fork: Fork, divide: Divide) -> Fails | None:
    """Spawn the first children of a state just entered and store what the others will need."""
    state = draft.machine.states[frame.state]
    if isinstance(state, Parallel):
        assert divide.input is not None
        spawned = _spawn(draft, frame, fork, state, None, divide.input)
        if isinstance(spawned, Fails):
            return spawned
        if spawned.spawned < spawned.total:
            draft.keep(f"i:{frame.id}:0", divide.input, resident=True)
            spawned = structs.replace(spawned, pages=1)
    else:
        assert isinstance(state, Map)
        assert divide.items is not None
        spawned = _spawn(draft, frame, fork, state, divide.items, None)
        if isinstance(spawned, Fails):
            return spawned
        if spawned.spawned < spawned.total:
            pages = _write_pages(draft, frame, divide.items[spawned.spawned :])
            spawned = structs.replace(spawned, pages=pages, page_start=spawned.spawned)
    rest(draft, frame, spawned)
    return None


def go_on(draft: Draft, frame: Frame, fork: Fork) -> Fails | None:
    """Spawn more children, as far as the window and the page at hand allow."""
    state = draft.machine.states[frame.state]
    if not has_room(fork):
        rest(draft, frame, fork)
        return None
    key = f"i:{frame.id}:{fork.page}"
    page = draft.value(key)
    if isinstance(state, Parallel):
        spawned = _spawn(draft, frame, fork, state, None, page)
        consumed = not isinstance(spawned, Fails) and spawned.spawned == spawned.total
    else:
        assert isinstance(state, Map)
        items = page.value
        spawned = _spawn(draft, frame, fork, state, items, None)
        consumed = not isinstance(spawned, Fails) and (
            spawned.spawned == fork.page_start + len(items)
        )
    if isinstance(spawned, Fails):
        return spawned
    if consumed:
        draft.forget(key)
        spawned = structs.replace(spawned, page=fork.page + 1, page_start=spawned.spawned)
    rest(draft, frame, spawned)
    return None


def has_room(fork: Fork) -> bool:
    """Whether another child may be spawned now."""
    if fork.spawned >= fork.total:
        return False
    return not fork.window or fork.spawned - fork.done < fork.window


def rest(draft: Draft, frame: Frame, fork: Fork) -> None:
    """Keep the fork; ready while it has something to do."""
    draft.put(structs.replace(frame, hold=fork))
    if fork.done == fork.total or has_room(fork):
        draft.wake(frame.id)


def _spawn(
    draft: Draft,
    frame: Frame,
    fork: Fork,
    state: Parallel | Map,
    items: list[Any] | None,
    shared: Document | None,
) -> Fork | Fails:
    """Make the next children ready. All of them are worked out before any is made, so that a failure makes none."""
    first = fork.spawned
    room = min(fork.total - first, SPAWN_MAX, max(1, READY_MAX - len(draft.ready)))
    if fork.window:
        room = min(room, fork.window - (first - fork.done))
    if items is not None:
        room = min(room, fork.page_start + len(items) - first)
    visit = draft.visit(frame)
    children: list[Child] = []
    size = 0
    for index in range(first, first + room):
        if visit.effort > EFFORT_MAX // 4:
            break  # the others in another transition, after everybody else's turn
        if isinstance(state, Parallel):
            assert shared is not None
            child: Child = (state.branches[index], shared, None)
        else:
            assert items is not None
            item = items[index - fork.page_start]
            given = map_.iteration_input(state, visit, index, item)
            kept = Document.of(item) if state.processor_uses_map_item else None
            child = (state.processor, given, kept)
        if not draft.limits.fits(child[1]):
            return Fails(parameters_too_large(state.name))
        size += len(child[1].text)
        if children and size > SPAWN_BYTES:
            break
        children.append(child)
    previous = fork.tail or fork.started
    for index, (start, given, kept) in enumerate(children, first):
        child_id = f"{frame.id}/{index}"
        draft.put(
            Frame(
                child_id,
                start,
                ENTER,
                given,
                previous,
                index=index,
                item=kept,
                version=frame.version,
            )
        )
        draft.wake(child_id)
    return structs.replace(fork, spawned=first + len(children))


def _write_pages(draft: Draft, frame: Frame, items: list[Any]) -> int:
    """Store items in pages; returns how many. Only the first stays in memory."""
    page: list[bytes] = []
    size = count = 0
    for item in items:
        text = Document.of(item).text
        if page and (len(page) == PAGE_ITEMS or size + len(text) > PAGE_BYTES):
            draft.keep(f"i:{frame.id}:{count}", _array(page), resident=count == 0)
            page, size, count = [], 0, count + 1
        page.append(text)
        size += len(text)
    draft.keep(f"i:{frame.id}:{count}", _array(page), resident=count == 0)
    return count + 1


def _array(texts: list[bytes]) -> Document:
    return Document.from_text(b"[" + b",".join(texts) + b"]")


def finish_child(draft: Draft, parent: Frame, child: Frame, output: Document, last: int) -> None:
    """A child has ended well: keep its result, count it, and let the parent spawn the next or join."""
    fork = parent.hold
    assert isinstance(fork, Fork)
    key = f"r:{parent.id}:{child.index}"
    draft.keep(key, output, resident=fork.total <= RESIDENT_MAX)
    draft.drop(child.id)
    size = fork.size + len(output.text) + 1
    if fork.size < 0 or size > RESULTS_FACTOR * draft.limits.payload_bytes_max:
        size = -1
    fork = structs.replace(fork, done=fork.done + 1, last=last, tail=child.previous, size=size)
    rest(draft, parent, fork)


def gather(draft: Draft, frame: Frame, fork: Fork) -> Document | Fails | None:
    """The array of all results, dropping them; None while there are more to drop than one transition may.

    A join of many stores the array as "o:<frame>" first and drops the results over several transitions. Fails, and
    drops nothing, if the array is too large.
    """
    results = [f"r:{frame.id}:{index}" for index in range(fork.swept, fork.total)]
    joined = f"o:{frame.id}"
    if fork.swept:
        array = draft.value(joined)
    elif fork.size < 0:
        return Fails(result_too_large(frame.state))
    elif fork.total:
        array = Document.of([draft.value(key).value for key in results])
    else:
        array = EMPTY_ARRAY
    if not draft.limits.fits(array):
        return Fails(result_too_large(frame.state))
    draft.forget(*results[:SWEEP_MAX])
    if len(results) <= SWEEP_MAX:
        if fork.swept:
            draft.forget(joined)
        return array
    if not fork.swept:
        draft.keep(joined, array, resident=True)
    rest(draft, frame, structs.replace(fork, swept=fork.swept + SWEEP_MAX))
    return None
