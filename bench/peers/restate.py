"""Restate: its server with its own defaults, and the service that it calls over HTTP/2, each a process."""

from __future__ import annotations

from typing import ClassVar

from bench.peers.system import APPS, INPUT, PEERS, Ports, System

SERVER = PEERS / "restate" / "node_modules" / ".bin" / "restate-server"
PYTHON = PEERS / "venv" / "bin" / "python"
CONFIG = """
node-name = "peers"
disable-telemetry = true
bind-address = "127.0.0.1:{node}"
advertised-address = "http://127.0.0.1:{node}"
log-filter = "warn"

[ingress]
bind-address = "127.0.0.1:{ingress}"

[admin]
bind-address = "127.0.0.1:{admin}"
"""


class Restate(System):
    """Its log is flushed before an answer, as it is by default."""

    name: ClassVar[str] = "Restate"

    @classmethod
    def missing(cls) -> str:
        if not SERVER.exists():
            return "@restatedev/restate-server is not installed (make peers)"
        if not list(PEERS.glob("venv/lib/*/*/restate")):
            return "restate-sdk is not installed (make peers)"
        return ""

    async def start(self) -> None:
        node, ingress, admin, service = (Ports.next() for _ in range(4))
        config = self.folder / "restate.toml"
        config.write_text(CONFIG.format(node=node, ingress=ingress, admin=admin))
        self.spawn(PYTHON, APPS / "restate_app.py", str(service))
        self.spawn(SERVER, "--config-file", config, "--base-dir", self.folder / "restate")
        await self.ready(f"http://127.0.0.1:{admin}/health")
        await self.ready(f"http://127.0.0.1:{ingress}/restate/health")
        session = await self.connect(f"http://127.0.0.1:{ingress}")
        deployment = {"uri": f"http://127.0.0.1:{service}"}
        async with session.post(f"http://127.0.0.1:{admin}/deployments", json=deployment) as answer:
            assert answer.status < 300, await answer.text()

    async def one(self) -> None:
        await self.post("/Peers/run", INPUT)
