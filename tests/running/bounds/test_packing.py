"""What is written in line, and what is stored once and referred to."""

from __future__ import annotations

import pytest

from engine.documents import Document
from engine.store.bounds.referring import FORK_INLINE_BYTES_MAX, Packer

BETWEEN = Document.of("x" * (FORK_INLINE_BYTES_MAX + 1))


@pytest.mark.parametrize(("is_fork", "stored"), [(False, 0), (True, 1)])
def test_a_frame_that_is_written_for_every_child_keeps_little_in_line(is_fork, stored):
    packer = Packer(8192, b"").begin()
    packed = packer.pack({"input": BETWEEN}, is_fork=is_fork)
    assert len(packer.payloads) == stored
    assert (BETWEEN.text in packed) is not is_fork
