import pytest
from sdk_script import Script, TaskScript

from detent import Client


@pytest.fixture
async def script():
    script = Script()
    await script.server.start_server()
    yield script
    await script.server.close()


@pytest.fixture
def tasks(script):
    return TaskScript(script)


@pytest.fixture
async def client(script):
    async with Client(script.url, token="secret") as client:
        yield client


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Retries without their pauses; what is repeated and how often is what the tests look at."""
    monkeypatch.setattr("detent.backoff.delays.__defaults__", (0.005, 0.02))
    monkeypatch.delenv("DETENT_URL", raising=False)
    monkeypatch.delenv("DETENT_TOKEN", raising=False)
