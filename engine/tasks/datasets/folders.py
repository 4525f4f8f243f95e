"""A folder as a bucket: its files are the objects, their relative paths the keys.

Paths are walked a folder at a time from an open folder, never following a symbolic link, so that no key and no link leads
outside. Names that begin with `.detent-` are files being written, and no objects.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.tasks.datasets.faults import DatasetFault, replaced
from engine.tasks.datasets.objects import Entry, Opened

_WRITING = ".detent-"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe must not hold us up


class FolderBucket:
    """See `buckets.Bucket`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, key: str, *, version: str | None = None, pin: str | None = None) -> Opened:
        if version is not None:
            raise DatasetFault(f"Files have no versions: {self._folder.name}/{key}")
        *folders, name = _parts(key)
        try:
            with self._descended(folders) as folder:
                file = _PinnedFile(os.open(name, _FILE, dir_fd=folder), self._shown(key))
        except OSError as error:
            raise self._fault(error, key) from None
        if pin is not None and pin != file.pin:
            file.close()
            raise replaced(file.shown)
        return Opened(io.BufferedReader(file), file.pin)

    def listed(self, prefix: str = "", start_after: str = "") -> Iterator[Entry]:
        try:
            with self._descended([]) as root:
                for entry in _entries(root, "", prefix):
                    if entry.key.encode() > start_after.encode():
                        yield entry
        except OSError as error:
            raise self._fault(error, prefix) from None

    def put(self, key: str, body: bytes, content_type: str) -> None:
        del content_type  # a file has none
        *folders, name = _parts(key)
        # Two writers of one object write the same; each has a file of its own until it is complete.
        draft = f"{_WRITING}{os.getpid()}-{os.urandom(8).hex()}"
        try:
            with self._descended(folders, make=True) as folder:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                with os.fdopen(os.open(draft, flags, 0o644, dir_fd=folder), "wb") as file:
                    file.write(body)
                    file.flush()
                    os.fsync(file.fileno())
                os.rename(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
                os.fsync(folder)
        except OSError as error:
            raise self._fault(error, key) from None

    @contextmanager
    def _descended(self, folders: list[str], *, make: bool = False) -> Iterator[int]:
        """The folder at the end of the path, open."""
        at = os.open(self._folder, _FOLDER)
        try:
            for name in folders:
                if make:
                    try:
                        os.mkdir(name, 0o755, dir_fd=at)
                    except FileExistsError:
                        pass  # which may be no folder: then it cannot be opened as one
                inner = os.open(name, _FOLDER, dir_fd=at)
                os.close(at)
                at = inner
            yield at
        finally:
            os.close(at)

    def _shown(self, key: str) -> str:
        return f"s3://{self._folder.name}/{key}"

    def _fault(self, error: OSError, key: str) -> DatasetFault:
        return DatasetFault(f"{self._shown(key)}: {error.strerror or error}")


def _parts(key: str) -> list[str]:
    parts = key.split("/")
    if "\0" in key or any(part in ("", ".", "..") or part.startswith(_WRITING) for part in parts):
        raise DatasetFault(f"No file can have the key {key!r}")
    return parts


def _entries(folder: int, path: str, prefix: str) -> Iterator[Entry]:
    """The files in a folder and in those below, in the order of their keys."""
    found: list[tuple[bytes, str, bool]] = []
    with os.scandir(folder) as names:
        for each in names:
            if each.name.startswith(_WRITING) or not _is_text(each.name):
                continue
            if each.is_dir(follow_symlinks=False):
                found.append((f"{each.name}/".encode(), each.name, True))
            elif each.is_file(follow_symlinks=False):
                found.append((each.name.encode(), each.name, False))
    # A folder sorts as its keys do, with the slash: "a-b" comes before "a/b", though "a" comes before "a-b".
    for _, name, is_folder in sorted(found):
        key = path + name
        try:
            if not is_folder:
                if key.startswith(prefix):
                    about = os.stat(name, dir_fd=folder, follow_symlinks=False)
                    pin = _pin(about)
                    modified_s = int(about.st_mtime)
                    yield Entry(key, f'"{pin}"', about.st_size, modified_s, "STANDARD", pin)
            elif key.startswith(prefix) or prefix.startswith(f"{key}/"):
                inner = os.open(name, _FOLDER, dir_fd=folder)
                try:
                    yield from _entries(inner, f"{key}/", prefix)
                finally:
                    os.close(inner)
        except FileNotFoundError:
            continue  # gone since the folder was read


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _pin(about: os.stat_result) -> str:
    return f"{about.st_ino:x}-{about.st_size:x}-{about.st_mtime_ns:x}"


class _PinnedFile(io.RawIOBase):
    """A regular file that must not change while it is read. Owns its descriptor."""

    def __init__(self, descriptor: int, shown: str) -> None:
        self._descriptor = descriptor
        self.shown = shown
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            self.close()
            raise DatasetFault(f"{shown}: not a file")
        self.pin = _pin(about)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return os.lseek(self._descriptor, offset, whence)

    def readinto(self, buffer: Any, /) -> int:
        count = os.readv(self._descriptor, [buffer])
        if _pin(os.fstat(self._descriptor)) != self.pin:
            raise replaced(self.shown)
        return count

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()
