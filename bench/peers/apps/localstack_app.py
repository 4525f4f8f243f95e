"""LocalStack as it is, but reached from this machine only: its IPv4 server listens on every address, whatever it is told."""

from __future__ import annotations

import functools

from localstack.runtime.main import main
from twisted.internet import endpoints

endpoints.TCP4ServerEndpoint = functools.partial(  # type: ignore[assignment,misc]
    endpoints.TCP4ServerEndpoint, interface="127.0.0.1"
)

if __name__ == "__main__":
    main()
