"""Detent's worker: five steps that do nothing. Run as: detent_worker.py URL."""

from __future__ import annotations

import sys
from typing import Any

from detent import Worker


def main(url: str) -> None:
    worker = Worker(url, concurrency=256)

    @worker.task("peers")
    async def perform(_: Any) -> Any:
        return {"ok": True}

    worker.run()


if __name__ == "__main__":
    main(sys.argv[1])
