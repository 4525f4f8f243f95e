"""What goes wrong with datasets. The causes are AWS's words where those were recorded, else our own."""

from __future__ import annotations

NOT_ITERABLE = "Attempting to map over non-iterable node."  # recorded
DUPLICATE_HEADERS = "CSV headers cannot contain duplicates."  # recorded
ITEMS_MAX_NEGATIVE = "field MaxItems must be positive"  # recorded


class DatasetFault(Exception):
    """A store cannot give or take what it was asked to; `cause` says why, for the author of the definition."""

    def __init__(self, cause: str) -> None:
        self.cause = cause
        super().__init__(cause)


class ItemReaderFailed(DatasetFault):
    """The items cannot be read: the Map Run fails with `error`."""

    error = "States.ItemReaderFailed"


class ResultWriterFailed(DatasetFault):
    """The results cannot be written: the Map Run fails with `error`."""

    error = "States.ResultWriterFailed"


def replaced(shown: str) -> DatasetFault:
    """An object is not what it was when the Map Run began to read it."""
    return DatasetFault(f"{shown} was replaced while the Map Run was reading it.")
