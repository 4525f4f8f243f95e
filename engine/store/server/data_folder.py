"""The embedded server's data folder: its two locks, where its socket lies, and how others find it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import tempfile
from pathlib import Path
from urllib.parse import quote

from engine.clock import Clock
from engine.errors import StoreRefused

SOCKET_PATH_BYTES_MAX = (
    103  # sun_path has 104 bytes on macOS and 108 on Linux, a closing zero included.
)
_POLL_SECONDS = 0.02
_URL_FILE = "redis.url"
_USED_FILE = "store.used"
_LOG_FOLDER = "appendonlydir"  # where the server keeps its append-only file, unless told otherwise.


def take_lock(path: Path) -> int | None:
    """An open file that holds the lock, or None when another process holds it.

    The lock is on the open file, not on the process: it stays taken until every process that inherited the
    descriptor has closed it or ended, by whatever signal.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def await_lock(path: Path, clock: Clock, seconds: float) -> int | None:
    """As `take_lock`, but gives up only after `seconds`. Blocks the thread."""
    give_up = clock.monotonic() + seconds
    while (descriptor := take_lock(path)) is None and clock.monotonic() < give_up:
        clock.pause(_POLL_SECONDS)
    return descriptor


def sign(descriptor: int, pid: int) -> None:
    """Write into a lock who holds it; for people, nothing is decided by it alone."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(pid).encode(), 0)


def holder(path: Path) -> str:
    """The process id written into a lock, else `unknown`."""
    return path.read_text(errors="replace").strip() or "unknown"


def socket_path(data: Path) -> Path:
    """Where the server listens: in the data folder, or in a short private folder where its path is too long.

    The same folder always gets the same path. Raises OSError when the short folder is somebody else's.
    """
    inside = data / "redis.sock"
    if _fits(inside):
        return inside
    name = f"detent-{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}"
    bases = [os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp"]  # noqa: S108 - made private below
    base = next(
        base for base in bases if Path(base).is_dir() and _fits(Path(base, name, "redis.sock"))
    )
    folder = Path(base, name)
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(
            1,
            f"its path is too long for a socket, and {folder} is not a private folder of this user",
        )
    return folder / "redis.sock"


def mark_used(data: Path) -> None:
    """Note that a server has run on this folder, and so has left its log there."""
    (data / _USED_FILE).touch(mode=0o600)


def refuse_emptied(data: Path) -> None:
    """Refuse a folder whose log is gone: the server would begin with nothing, and nobody would be told.

    Raises StoreRefused where a server has run on the folder and its append-only file is not there any more.
    """
    log = data / _LOG_FOLDER
    if (data / _USED_FILE).exists() and not any(log.glob("*.manifest")):
        raise StoreRefused(
            f"The data folder {data} was in use, and its append-only file is gone. Put {log} back; or, to begin with an "
            f"empty store, remove {data / _USED_FILE}.",
            data=str(data),
        )


def url_of(socket: Path) -> str:
    return f"unix://{quote(os.fsencode(socket))}"


def publish_url(data: Path, url: str) -> None:
    """Tell the other processes of this user where the server listens; replaces the file in one piece."""
    draft = data / f"{_URL_FILE}.new"
    draft.write_text(url + "\n")
    draft.replace(data / _URL_FILE)


def forget_url(data: Path) -> None:
    (data / _URL_FILE).unlink(missing_ok=True)


def running_url(data: Path | str) -> str | None:
    """The address of the server that runs on this folder, or of one that was killed there; None without either."""
    try:
        return Path(data, _URL_FILE).read_text().strip() or None
    except FileNotFoundError:
        return None


def _fits(path: Path) -> bool:
    return path.is_absolute() and len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX
