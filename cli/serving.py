"""`serve`, `api` and `engine`: the processes of a server. They run until SIGINT or SIGTERM."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from engine.settings import Settings

_host = click.option("--host", help="Address to listen on; DETENT_HOST, else 127.0.0.1.")
_port = click.option(
    "--port", type=int, help="Port to listen on; DETENT_PORT, else 8083. 0: any free one."
)
_data = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the embedded Redis; DETENT_DATA, else .detent. Not used with REDIS_URL.",
)
_NO_REDIS = "set REDIS_URL, or start `detent serve` on this data folder first: it brings the Redis"
_engines = click.option("--engines", type=int, help="Engine processes; DETENT_ENGINES, else 1.")


@click.command()
@_host
@_port
@_data
@_engines
@click.option(
    "--watch",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Publish the definitions in this folder whenever they are saved.",
)
def serve(watch: Path | None, **given: Any) -> None:
    """Run API and engine in one process.

    Without REDIS_URL an embedded, durable Redis is started in the data folder and ends with this process. All
    settings are environment variables (docs/reference/settings.md); these options win over them.
    """
    settings = _settings(given)
    if watch is not None:
        _watch(watch, settings)
    _run(settings, ("api", "engine"))


def _watch(folder: Path, settings: Settings) -> None:
    from cli.authoring.watching import Watcher
    from cli.http import Server

    if settings.port == 0:
        raise click.UsageError("--watch needs a --port that is known")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    shown = f"[{host}]" if ":" in host else host
    Watcher(folder, Server(f"http://{shown}:{settings.port}", settings.token)).start()


@click.command()
@_host
@_port
@_data
def api(**given: Any) -> None:
    """Run the HTTP face alone. Stateless: run as many as you like.

    Joins the Redis of REDIS_URL, else the embedded one of a `detent serve` that runs on the data folder.
    """
    _run(_with_redis(_settings(given)), ("api",))


@click.command()
@_data
@_engines
def engine(**given: Any) -> None:
    """Run the engine alone. Stateless: run as many as you like.

    Joins the Redis of REDIS_URL, else the embedded one of a `detent serve` that runs on the data folder.
    """
    _run(_with_redis(_settings(given)), ("engine",))


def _settings(given: dict[str, Any]) -> Settings:
    """The environment's settings with the options given over them; wrong ones are wrong usage."""
    from engine.settings import InvalidSettings, Settings, variable

    options = {name: str(value) for name, value in given.items() if value is not None}
    try:
        return Settings.from_env(
            {**os.environ, **{variable(name): value for name, value in options.items()}}
        )
    except InvalidSettings as refused:
        problems = [_by_option(problem, options) for problem in refused.problems]
        raise click.UsageError("\nError: ".join(problems)) from None


def _by_option(problem: str, options: dict[str, str]) -> str:
    """The problem, naming the option where the value came from one."""
    from engine.settings import variable

    for name in options:
        problem = re.sub(rf"^{variable(name)}\b", f"--{name}", problem)
    return problem


def _with_redis(settings: Settings) -> Settings:
    """The Redis to join: the configured one, else the embedded one that `detent serve` runs in the data folder."""
    from engine.store.server.data_folder import running_url

    url = settings.redis_url or running_url(settings.data)
    if url is None:
        raise click.UsageError(_NO_REDIS)
    return replace(settings, redis_url=url)


def _run(settings: Settings, roles: Sequence[Literal["api", "engine"]]) -> None:
    from api.process import run
    from engine.errors import EngineError

    try:
        run(settings, roles=roles, engines=settings.engines)
    except EngineError as refused:
        raise click.ClickException(str(refused)) from None
    except OSError as failed:
        hint = "; --port names another port" if failed.errno == errno.EADDRINUSE else ""
        raise click.ClickException(
            f"{settings.host}:{settings.port}: {failed.strerror}{hint}"
        ) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
