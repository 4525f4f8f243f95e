"""One Map Run in this process's hands: children started as there is room, their ends counted, until there is an outcome.

    reserve: the run notes which children are out     ->  start them  ->  (they end)  ->  count: the run takes them off
    ^ one script a page, also for what has ended                                          those that are out, once each

Whoever takes the run over starts again what was noted and may not have been started, from the item where that begins, and
goes on. What is in memory, here and in Redis, is bounded by the window of children that are out at once.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any, NamedTuple

from engine.clock import Clock
from engine.core.failures import Failure
from engine.core.states.distributed.batching import Child
from engine.core.states.distributed.spec import MapRunSpec
from engine.core.states.distributed.tolerance import EXCEEDED, is_exceeded
from engine.documents import Document
from engine.errors import StoreUnavailable
from engine.runtime.maps.bells import Rung
from engine.runtime.maps.children import Children
from engine.runtime.maps.exporting import Results
from engine.runtime.maps.sources import Source, SourceFailed
from engine.runtime.maps.walking import Left
from engine.store.maps.ends import Ended, EndStatus
from engine.store.maps.held import Held
from engine.store.maps.runs import MapRuns

PAGE = 250  # children noted by one script and started in one pipeline
PAGE_BYTES = 1024 * 1024  # of their inputs, beyond the first child's
PAGE_SECONDS = 0.02  # for reading and selecting them; then others have a turn
CHILDREN_MAX = 10_000  # of one run that are out at once; as AWS Step Functions
UNSUCCESSFUL: tuple[EndStatus, ...] = ("FAILED", "TIMED_OUT", "ABORTED")
# Between looks at what no bell told of: at first, and when nothing happens for long.
LOOK_SECONDS = (1.0, 10.0)


class Page(NamedTuple):
    """Children to be started together."""

    new: list[Child]
    again: list[Child]  # ended without success, and are redriven
    lost: list[Child]  # noted as out by whoever had the run before, and perhaps not started

    @property
    def all(self) -> list[Child]:
        return [*self.lost, *self.again, *self.new]


class Drive:
    """`most`: children that may be out at once where the author sets no limit."""

    def __init__(
        self,
        runs: MapRuns,
        held: Held,
        spec: MapRunSpec,
        source: Source,
        children: Children,
        results: Results,
        rung: Rung,
        clock: Clock,
        *,
        most: int,
    ) -> None:
        self._runs = runs
        self._held = held
        self._spec = spec
        self._source = source
        self._children = children
        self._results = results
        self._rung = rung
        self._clock = clock
        self._most = most
        self._is_express = spec.execution_type == "EXPRESS"
        self._failure: Failure | None = None
        self._feed: AsyncGenerator[Child] | None = None
        self._out: set[int] = set()  # of those out at the take-over, which have not been seen to
        self._left = Left(runs, held)
        # (child, its first item): the feed has been read so far, and what it gave has been started so far
        self._read = self._at = (held.sure, held.sure_item)

    async def run(self) -> Document | Failure:
        """Go on until the run has ended; its output, or why it failed. Raises RunLost, StoreUnavailable."""
        try:
            await self._take_over()
            patience = LOOK_SECONDS[0]
            while not self._is_done():
                if self._rung.is_closed:
                    raise StoreUnavailable("this process stops; another goes on with the Map Run")
                moved = await self._count()
                self._judge()
                moved = await self._start() or moved
                if moved:
                    patience = LOOK_SECONDS[0]
                    await self._clock.sleep(0)
                elif not self._is_done():
                    patience = await self._rest(patience)
            return await self._finish()
        finally:
            if self._feed is not None:
                await self._feed.aclose()  # it may have a file open
            await self._children.close()

    async def _rest(self, seconds: float) -> float:
        """Wait for a bell, then look at what was told of, or at everything; how long to wait the next time."""
        is_heard = await self._rung.wait(seconds)
        if not is_heard:
            self._rung.all()
        if self._rung.is_changed or not is_heard:
            self._rung.is_changed = False
            await self._runs.advance(
                self._held, calm=True
            )  # learns what the run keeps to from now on
        return seconds if is_heard else min(2 * seconds, LOOK_SECONDS[1])

    async def _take_over(self) -> None:
        """See to what others have left: nobody who had the run before starts anything any more."""
        held = self._held
        if held.claims > 1:
            await self._runs.fence(held)
        if self._is_express and held.standing.pending > 0:
            held.sure = held.sure_item = 0  # they are made anew, from their items
        if held.claims > 1:
            out = await self._runs.out(held)
            # Those below have been started for certain, or were redriven, and go on by themselves.
            self._out = {index for index in out if index >= held.sure}
            again = sorted(set(held.again) & set(out))
            if again and not self._is_express:
                await self._note_refused(await self._children.redrive(again))
        self._at = self._read = held.sure, held.sure_item
        self._feed = self._source.children(*self._at)

    # Ends

    async def _count(self) -> bool:
        """Count the ends that are known of; whether there were any."""
        batch = await self._children.ended()
        if batch is None:
            return False
        await self._note(batch.ended)
        await self._children.counted(batch)
        return True

    async def _note(self, ended: Sequence[Ended], **more: Any) -> None:
        """Have the run count ends, in scripts of a bounded size."""
        # What has ended needs no second start; once its note is taken away, nothing would refuse that.
        self._out.difference_update(each.index for each in ended)
        for part in self._results.kept(self._held, ended):
            fields = self._place()
            size_max = self._results.size_max
            await self._runs.advance(
                self._held, ended=part, size_max=size_max, fields=fields, **more
            )
            more = {}
        if self._failure is None:
            try:
                await self._results.export(self._held)
            except SourceFailed as error:
                self._failure = error.failure

    def _place(self) -> dict[str, Any]:
        """Where whoever takes the run over has to begin."""
        sure, item = min(self._children.lowest() or self._at, self._at)
        return {"sure": str(sure), "sure_item": str(item)}

    def _judge(self) -> None:
        at = self._held.standing
        failed = sum(at.items.get(status, 0) for status in UNSUCCESSFUL)
        if self._failure is None and is_exceeded(
            at.tolerated_count, at.tolerated_percentage, failed, self._total
        ):
            self._failure = EXCEEDED

    @property
    def _total(self) -> int | None:
        """The number of all items, as far as it is known."""
        if self._held.is_read:
            return self._held.item
        return self._held.about.items

    # Starting

    async def _start(self) -> bool:
        """Start as many children as there is room for, at most a page; whether there was anything to do.

        A run that has failed starts none but those that were noted as out and perhaps never started: else it would wait
        for their ends for ever.
        """
        at = self._held.standing
        has_failed = self._failure is not None
        if at.status != "RUNNING" or (has_failed and not self._out):
            return False
        room = 0 if has_failed else min(at.concurrency or self._most, CHILDREN_MAX) - at.out
        if not has_failed and not self._is_express and at.pending > 0:
            return room > 0 and await self._redrive(min(room, PAGE))
        if self._feed is None or (room <= 0 and not self._out):
            return False
        page = await self._page(max(0, min(room, PAGE)))
        if page.all:
            await self._begin(page)
        elif self._feed is None and self._held.is_read:
            await self._runs.advance(self._held, fields={"read": "1"})
        self._at = self._read
        return True

    async def _page(self, room: int) -> Page:
        """The next children to start. What others have left takes no room: it is out already."""
        page, size, seen = Page([], [], []), 0, 0
        until = self._clock.monotonic() + PAGE_SECONDS
        assert self._feed is not None
        while len(page.new) + len(page.again) < room or self._out:
            try:
                child = await anext(self._feed, None)
            except SourceFailed as error:
                self._failure, self._feed = error.failure, None
                break
            if child is None:
                self._feed, self._held.is_read = None, True
                break
            await self._sort(page, child)
            self._read = child.index + 1, child.first_item + child.count
            size += len(child.input.text) if isinstance(child.input, Document) else 0
            seen += 1
            is_late = seen % 10 == 0 and self._clock.monotonic() > until
            if len(page.all) >= PAGE or size > PAGE_BYTES or is_late:
                break
        return page

    async def _sort(self, page: Page, child: Child) -> None:
        if child.index in self._out:
            self._out.discard(child.index)
            page.lost.append(child)
        elif child.index >= self._held.next:
            page.new.append(child)
        elif self._failure is not None or self._held.standing.pending <= 0:
            return
        elif await self._left.has(child.index):
            page.again.append(child)

    async def _begin(self, page: Page) -> None:
        """Note children as out, then start them. Those that cannot be started have ended at once."""
        held, new = self._held, page.new
        fields = self._place()
        more: dict[str, Any] = {}
        if new:
            held.next = new[-1].index + 1
            held.item = new[-1].first_item + new[-1].count
            more["out"] = [new[0].index, len(new)]
            fields |= {"next": str(held.next), "item": str(held.item)}
        if self._feed is None and held.is_read:
            fields["read"] = "1"
        if self._source.pin != held.pin:
            fields["pin"] = held.pin = self._source.pin
        again = sum(child.count for child in page.again)
        await self._runs.advance(
            held,
            fields=fields,
            again=[child.index for child in page.again],
            items=again + sum(child.count for child in new),
            pending=again,
            **more,
        )
        await self._children.start(page.all)
        refused = [
            _refused(child, child.input, self._clock.now_ms())
            for child in page.all
            if isinstance(child.input, Failure)
        ]
        if refused:
            await self._note(refused)

    async def _redrive(self, most: int) -> bool:
        """Have the next children go on that ended without success, where they are executions of their own."""
        held = self._held
        indexes = await self._runs.left(held, held.walked, most)
        if not indexes:
            held.walked = held.next
            await self._runs.advance(held, count={"pending": -held.standing.pending})
            return True
        items = sum(await self._children.items_of(indexes))
        held.walked = indexes[-1] + 1
        fields = {"walked": str(held.walked), "again": " ".join(map(str, indexes))}
        await self._runs.advance(held, fields=fields, again=indexes, items=items, pending=items)
        await self._note_refused(await self._children.redrive(indexes))
        return True

    async def _note_refused(self, ended: Sequence[Ended]) -> None:
        if ended:
            self._rung.all()
            while await self._count():
                pass  # one that was redriven before, and has succeeded, may have left nothing but its note
            out = set(await self._runs.out(self._held))
            ended = [each for each in ended if each.index in out]
            lost = [each for each in ended if each.status != "SUCCEEDED"]
            count = {
                "not_redrivable": len(lost),
                "not_redrivable_items": sum(each.items for each in lost),
            }
            await self._note(ended, count=count)

    # The end

    def _is_done(self) -> bool:
        """Whether nothing is out any more, and nothing is to come."""
        standing = self._held.standing
        if standing.out:
            return False
        return self._failure is not None or (self._feed is None and standing.pending <= 0)

    async def _finish(self) -> Document | Failure:
        self._judge()
        if self._failure is not None:
            return await self.fail(self._failure)
        outcome = await self._results.outcome(self._held, self._spec.state)
        if isinstance(outcome, Failure):
            return await self.fail(outcome)
        await self._runs.close(self._held)
        await self._runs.advance(self._held, status="SUCCEEDED")
        return outcome

    async def fail(self, failure: Failure) -> Failure:
        """End the run as FAILED."""
        await self._results.finish_failed(self._held)
        told = {"error": failure.error or "", "cause": failure.cause or ""}
        await self._runs.close(self._held)
        await self._runs.advance(self._held, status="FAILED", fields=told)
        return failure


def _refused(child: Child, failure: Failure, now_ms: int) -> Ended:
    told = (failure.error, failure.cause)
    return Ended(child.index, child.count, "FAILED", None, now_ms, None, *told)
