"""Listings that arrive page by page and are read item by item."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Pages(Generic[T]):
    """Items of a listing: `async for item in pages`, or `async for page in pages.pages()` for lists as they come.

    Nothing is asked of the server before the first item is, and no page before the one before it is used up.
    Each iteration begins anew.
    """

    def __init__(self, fetch: Callable[[], AsyncIterator[list[T]]]) -> None:
        self._fetch = fetch

    def pages(self) -> AsyncIterator[list[T]]:
        return self._fetch()

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self._fetch():
            for item in page:
                yield item

    async def list(self) -> list[T]:
        """All items at once."""
        return [item async for item in self]


class SyncPages(Generic[T]):
    """`Pages` for code without an event loop: `for item in pages`, or `for page in pages.pages()`."""

    def __init__(self, fetch: Callable[[], Iterator[list[T]]]) -> None:
        self._fetch = fetch

    def pages(self) -> Iterator[list[T]]:
        return self._fetch()

    def __iter__(self) -> Iterator[T]:
        for page in self._fetch():
            yield from page

    def list(self) -> list[T]:
        """All items at once."""
        return [*self]
