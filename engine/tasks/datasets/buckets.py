"""Buckets: named places for objects, either sub-folders of the folder of datasets or those of an S3-compatible store.

An author names buckets and keys, never hosts: names are checked here, so that no request leaves for anywhere but the
endpoint the operator chose, and no path leaves the folder. Everything here blocks; `Buckets.run` does it in a thread.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from engine.settings import Settings
from engine.tasks.datasets.faults import DatasetFault
from engine.tasks.datasets.folders import FolderBucket
from engine.tasks.datasets.objects import Bucket
from engine.tasks.datasets.s3 import S3, S3Bucket

THREADS_MAX = 8  # reads and writes at once; each is short

T = TypeVar("T")

# Names in use since before 2018 may hold capitals and underscores, and be longer.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{1,253}[A-Za-z0-9]", re.ASCII)


class Buckets:
    """Finds buckets by name. A sub-folder of the folder of datasets comes before an S3 bucket of the same name."""

    def __init__(self, folder: Path | None, s3: S3) -> None:
        self._folder = folder
        self._s3 = s3
        self._threads = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="datasets")

    @classmethod
    def of(cls, settings: Settings) -> Buckets:
        return cls(settings.datasets, S3(settings.s3_endpoint, settings.aws_region))

    def bucket(self, name: str) -> Bucket:
        """Raises DatasetFault for what is no bucket's name."""
        if not isinstance(name, str) or not _NAME.fullmatch(name) or ".." in name:
            raise DatasetFault(f"The specified bucket is not valid: {name}")
        if self._folder is not None:
            folder = self._folder / name
            if folder.is_dir() and not folder.is_symlink():
                return FolderBucket(folder)
        return S3Bucket(self._s3, name)

    async def run(self, work: Callable[[], T]) -> T:
        """Do what blocks in a thread. Cancelling abandons the answer, not the work."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def later(self, work: Callable[[], object]) -> None:
        """Do it in a thread and forget about it; not at all once this is closed."""
        try:
            self._threads.submit(work)
        except RuntimeError:  # closed
            return

    def close(self) -> None:
        """Begin nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
