"""Pages of a history, and cursors."""

from __future__ import annotations

import pytest

from engine.core.effects import Record
from engine.documents import Document
from engine.errors import InvalidRequest
from engine.queries import paging
from engine.queries.paging import decode_cursor, encode_cursor, history_records, moment_of
from engine.store.bounds.histories import HistoryPart


class Kept:
    """A listing of one history; answers ranges as Redis' LRANGE does, and counts the records read."""

    def __init__(self, count: int, size: int) -> None:
        payload = Document.of("x" * size)
        self._records = [
            Record(n + 1, n, "PassStateEntered", 0, {"input": payload}) for n in range(count)
        ]
        self.read = 0

    async def history(self, _namespace, _execution, first, last):
        count = len(self._records)
        start, stop = (n + count if n < 0 else n for n in (first - 1, last - 1))
        found = self._records[max(start, 0) : stop + 1]
        self.read += len(found)
        return HistoryPart(found, count)


async def page(kept, after=None, limit=100, *, descending=False):
    records, following, _ = await history_records(
        kept, "ns", "d:n", after=after, limit=limit, descending=descending
    )
    return [record.id for record in records], following


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("size", [1, 200_000])
@pytest.mark.parametrize("limit", [1, 7, 1000])
async def test_following_the_pages_gives_every_record_once(descending, size, limit):
    kept, seen, after = Kept(150, size), [], None
    while True:
        ids, after = await page(kept, after, limit, descending=descending)
        seen += ids
        if after is None:
            break
    assert seen == sorted(range(1, 151), reverse=descending)


async def test_a_page_of_large_records_ends_early(monkeypatch):
    monkeypatch.setattr(paging, "HISTORY_BYTES_MAX", 1_000_000)
    kept = Kept(1000, 100_000)
    ids, following = await page(kept, limit=1000)
    assert len(ids) < 40
    assert following == ids[-1]
    assert kept.read == len(ids)


@pytest.mark.parametrize("after", [0, 1])
async def test_nothing_comes_before_the_first_record(after):
    kept = Kept(50, 1)
    assert await page(kept, after, descending=True) == ([], None)
    assert kept.read == 0


async def test_what_comes_before_a_record_not_written_yet_is_the_newest():
    assert await page(Kept(50, 1), 9_999, 2, descending=True) == ([50, 49], 49)


async def test_a_history_without_records_has_no_page():
    assert await page(Kept(0, 1)) == ([], None)
    assert await page(Kept(0, 1), 5, descending=True) == ([], None)


def test_a_cursor_gives_back_its_parts():
    assert decode_cursor(encode_cursor("12", "d:n"), 2) == ["12", "d:n"]


@pytest.mark.parametrize("text", ["!", "é", "A", encode_cursor("1"), encode_cursor("1", "2", "3")])
def test_what_is_no_cursor_is_refused(text):
    with pytest.raises(InvalidRequest):
        decode_cursor(text, 2)


@pytest.mark.parametrize("text", ["", "-1", "1.5", "²", "٣", "9" * 16, "0x1"])
def test_a_cursors_moment_is_a_plain_number(text):
    with pytest.raises(InvalidRequest):
        moment_of(text)
