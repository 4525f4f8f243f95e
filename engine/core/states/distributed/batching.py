"""ItemBatcher of a distributed Map: from selected items to the children's inputs.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html. With an ItemBatcher a child gets
`{"BatchInput": ..., "Items": [...]}`, else its item alone. A batch is full by number or by bytes, whichever comes first,
and never larger than a payload may be; the bytes are those of the child's whole input. The same items give the same
batches, also when they begin at the first item of one of them, so a run is resumed there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from engine.core.failures import Failure, parameters_too_large
from engine.core.limits import Limits
from engine.core.states.distributed.selecting import Item, Selecting
from engine.core.states.distributed.spec import MapRunSpec
from engine.documents import Document
from engine.language.expressions.patience import Patience
from engine.language.expressions.scope import ENDURING


class Child(Struct, frozen=True):
    """One child of a Map Run: the `index`-th, for `count` items from `first_item` on.

    `input` is a Failure where its single item is too large: the child has failed before it could be started.
    """

    index: int
    first_item: int
    count: int
    input: Document | Failure


class Batching:
    """Takes selected items in order and answers the children that they complete. Holds at most one batch.

    `index` is the next child's; with it, items go on where another Batching of the same run left off.
    """

    def __init__(self, spec: MapRunSpec, limits: Limits, *, index: int = 0) -> None:
        batcher = spec.batcher
        self._index = index
        self._too_large = parameters_too_large(spec.state)
        self._is_batching = batcher is not None
        self._bytes_max = limits.payload_bytes_max
        self._items_max: int | None = None
        self._head = b'{"Items":['
        if batcher is not None:
            self._bytes_max = min(self._bytes_max, batcher.bytes_max or self._bytes_max)
            self._items_max = batcher.items_max
            if batcher.has_input:
                self._head = b'{"BatchInput":' + Document.of(batcher.input).text + b',"Items":['
        self._first = 0
        self._texts: list[bytes] = []
        self._size = 0  # of the input that the items at hand make

    def add(self, item: Item, selected: Document) -> list[Child]:
        """The children that are complete now: none, one or two."""
        if not self._is_batching:
            return [self._alone(item, selected)]
        if not _fits(selected, self._bytes_max - len(self._head) - len(_TAIL)):
            return [*self.close(), self._child(item.index, 1, self._too_large)]
        text = selected.text
        complete = []
        if self._texts and self._size + len(_COMMA) + len(text) > self._bytes_max:
            complete = self.close()
        if not self._texts:
            self._first = item.index
            self._size = len(self._head) + len(_TAIL) + len(text)
        else:
            self._size += len(_COMMA) + len(text)
        self._texts.append(text)
        if len(self._texts) == self._items_max:
            complete += self.close()
        return complete

    def close(self) -> list[Child]:
        """The last child, of the items at hand, if there are any."""
        if not self._texts:
            return []
        given = Document.from_text(self._head + _COMMA.join(self._texts) + _TAIL)
        child = self._child(self._first, len(self._texts), given)
        self._texts = []
        return [child]

    def _alone(self, item: Item, selected: Document) -> Child:
        given = selected if _fits(selected, self._bytes_max) else self._too_large
        return self._child(item.index, 1, given)

    def _child(self, first: int, count: int, given: Document | Failure) -> Child:
        child = Child(self._index, first, count, given)
        self._index += 1
        return child


_COMMA = b","
_TAIL = b"]}"


def _fits(selected: Document, size: int) -> bool:
    try:
        return not selected.exceeds(size)
    except RecursionError:  # nested too deeply to be written as text
        return False


def children(
    selecting: Selecting, batching: Batching, items: Iterable[Item], patience: Patience = ENDURING
) -> Iterator[Child]:
    """All children of the items, made as they are asked for. Raises ExpressionError and OverBudget, as `select` does."""
    for item in items:
        yield from batching.add(item, selecting.select(item, patience))
    yield from batching.close()
