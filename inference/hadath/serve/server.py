"""The server process, or several of them on one port: sockets, signals, and the end."""

from __future__ import annotations

import os
import signal
import socket
import threading
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess

from hadath.errors import InputError
from hadath.model_directory import ModelConfig, load
from hadath.serve.app import build_app
from hadath.serve.connections import Connection
from hadath.serve.limits import Limits
from hadath.serve.logs import configure, log

_BACKLOG = 1024
_WORKER_SECONDS = 120


@dataclass(frozen=True)
class Settings:
    """What to serve and where.

    Attributes:
        model: The model directory.
        host: Address to listen on.
        port: Port to listen on, 0 for any that is free.
        workers: Processes, each with a model of its own.
        threads: Articles that each process tags side by side.
        quiet: No log line for a request unless the service failed.
        limits: What is too much.
    """

    model: Path
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    threads: int = 1
    quiet: bool = False
    limits: Limits = field(default_factory=Limits)


def serve(settings: Settings) -> None:
    """Serves until the process is told to stop by SIGTERM or SIGINT, then ends what is in progress.

    Raises:
        InputError: If it cannot listen there.
        ModelError: If the model cannot be loaded.
    """
    configure()
    # a model that cannot be loaded is told once, by the process that a person started
    load(settings.model, threads=1)
    listener = _listener(settings.host, settings.port)
    host, port = listener.getsockname()[:2]
    log(
        "listening",
        url=f"http://{f'[{host}]' if ':' in host else host}:{port}/",
        model=ModelConfig.read(settings.model).name,
        workers=settings.workers,
        threads=settings.threads,
    )
    # uvicorn raises the signal that ended it once more, which would make a clean end look like none
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: None)
    config = uvicorn.Config(
        partial(application, settings),
        factory=True,
        http=Connection,
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        workers=settings.workers,
        # one that has not answered so long is killed and started anew; where a machine is busy a start takes its time
        timeout_worker_healthcheck=_WORKER_SECONDS,
        timeout_graceful_shutdown=settings.limits.shutdown_seconds,
    )
    if settings.workers == 1:
        uvicorn.Server(config).run(sockets=[listener])
    else:
        Multiprocess(config, sockets=[listener]).run()
    log("stopped")


def application(settings: Settings) -> ASGIApp:
    """Makes the application of one process."""
    configure()
    Connection.limits = settings.limits
    if (parent := parent_process()) is not None:
        threading.Thread(target=_end_with, args=[parent], daemon=True).start()
    tagger = load(settings.model, threads=1)
    # reads the tables that records need, so that no client waits for them
    tagger("تونس").records()
    return build_app(
        tagger,
        model=ModelConfig.read(settings.model).name,
        threads=settings.threads,
        limits=settings.limits,
        quiet=settings.quiet,
    )


def _end_with(parent: BaseProcess) -> None:
    """Ends this process after its parent, which may have been killed without a chance to say so."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _listener(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        # create_server adds the address, which is said already
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise InputError(
            f"cannot listen on {host}, port {port}: {reason}; choose another with --host or --port"
        ) from None
    listener.set_inheritable(True)
    return listener
