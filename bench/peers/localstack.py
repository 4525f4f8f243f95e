"""LocalStack's Step Functions in host mode: its last release on PyPI that asks for no licence. It keeps nothing on disk."""

from __future__ import annotations

from typing import ClassVar

from bench.peers.chains import Chain
from bench.peers.system import APPS, PEERS, Ports

PYTHON = PEERS / "localstack" / "bin" / "python"


class _LocalStack(Chain):
    @classmethod
    def missing(cls) -> str:
        if not list(PEERS.glob("localstack/lib/*/*/localstack")):
            return "localstack-core is not installed (make peers; it needs Python 3.13)"
        return ""

    async def start(self) -> None:
        port = Ports.next()
        self.spawn(
            *(PYTHON, APPS / "localstack_app.py"),
            GATEWAY_LISTEN=f"127.0.0.1:{port}",
            LOCALSTACK_HOST=f"127.0.0.1:{port}",
            FILESYSTEM_ROOT=str(self.folder / "localstack"),
            SERVICES="stepfunctions,sts",  # no EventBridge to tell of executions: it is quicker without
            DISABLE_EVENTS="1",
            SKIP_SSL_CERT_DOWNLOAD="1",
            DNS_ADDRESS="0",
            LS_LOG="warning",
        )
        url = f"http://127.0.0.1:{port}"
        await self.ready(f"{url}/_localstack/health")
        self.open(url)


class LocalStack10(_LocalStack):
    name: ClassVar[str] = "LocalStack, boto3, 10 Pass states"
    steps: ClassVar[int] = 10


class LocalStack100(_LocalStack):
    name: ClassVar[str] = "LocalStack, boto3, 100 Pass states"
    steps: ClassVar[int] = 100
