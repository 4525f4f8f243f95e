"""Folders as buckets: what is read and written there, and that nothing outside is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.tasks.datasets.faults import DatasetFault
from engine.tasks.datasets.folders import FolderBucket


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("secret")
    made = tmp_path / "bucket"
    made.mkdir()
    return made


def keys(folder: Path, prefix: str = "", start_after: str = "") -> list[str]:
    return [entry.key for entry in FolderBucket(folder).listed(prefix, start_after)]


def test_what_is_written_is_read_and_listed(folder):
    bucket = FolderBucket(folder)
    bucket.put("a/b.json", b"[1]", "application/json")
    bucket.put("a/b.json", b"[1, 2]", "application/json")
    opened = bucket.open("a/b.json")
    assert opened.file.read() == b"[1, 2]"
    (entry,) = bucket.listed()
    about = (folder / "a/b.json").stat()
    assert (entry.key, entry.size, entry.modified_s) == ("a/b.json", 6, int(about.st_mtime))
    assert list((folder / "a").iterdir()) == [folder / "a" / "b.json"]


@pytest.mark.parametrize(
    "key", ["../secret", "a/../../secret", "/secret", "", "a//b", ".", "x\0", "a/"]
)
def test_no_key_leads_outside(folder, key):
    for deed in (
        lambda: FolderBucket(folder).open(key),
        lambda: FolderBucket(folder).put(key, b"changed", ""),
    ):
        with pytest.raises(DatasetFault, match="No file can have the key"):
            deed()
    assert (folder.parent / "secret").read_text() == "secret"


def test_no_symbolic_link_is_followed(folder):
    (folder / "file").symlink_to(folder.parent / "secret")
    (folder / "folder").symlink_to(folder.parent)
    (folder / "own").write_text("own")
    bucket = FolderBucket(folder)
    for key in ("file", "folder/secret"):
        with pytest.raises(DatasetFault):
            bucket.open(key)
    with pytest.raises(DatasetFault):
        bucket.put("folder/secret", b"changed", "")
    bucket.put("file", b"replaced the link itself", "")
    assert (folder.parent / "secret").read_text() == "secret"
    assert keys(folder) == ["file", "own"]


def test_what_is_no_file_is_refused(folder):
    os.mkfifo(folder / "pipe")
    (folder / "sub").mkdir()
    for key in ("pipe", "sub", "absent"):
        with pytest.raises(DatasetFault):
            FolderBucket(folder).open(key)
    assert keys(folder) == []


def test_keys_are_listed_in_the_order_of_s3(folder):
    names = ["a/b", "a-b", "a", "a0", "b/c/d", "b/c.d", "ä", "Z"]
    names.remove("a")  # a file and a folder cannot share a name
    for name in names:
        FolderBucket(folder).put(name, b"", "")
    expected = sorted(names, key=str.encode)
    assert keys(folder) == expected
    assert keys(folder, "a") == ["a-b", "a/b", "a0"]
    assert keys(folder, "b/c") == ["b/c.d", "b/c/d"]
    assert keys(folder, "b/c/") == ["b/c/d"]
    assert keys(folder, start_after="a/b") == expected[expected.index("a/b") + 1 :]


def test_a_file_that_was_replaced_is_told_from_the_one_that_was_pinned(folder):
    bucket = FolderBucket(folder)
    bucket.put("f", b"one", "")
    pin = bucket.open("f").pin
    assert bucket.open("f", pin=pin).file.read() == b"one"
    bucket.put("f", b"two", "")
    with pytest.raises(DatasetFault, match=r"s3://bucket/f was replaced"):
        bucket.open("f", pin=pin)


def test_a_file_that_changes_while_it_is_read_is_no_longer_read(folder):
    (folder / "f").write_bytes(b"x" * 100_000)
    file = FolderBucket(folder).open("f").file
    file.read(10)
    with (folder / "f").open("ab") as more:
        more.write(b"y")
    with pytest.raises(DatasetFault, match="was replaced"):
        file.read()
