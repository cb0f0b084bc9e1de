"""What stands before the application: limits on what is read, the client's going away, a log line for each request."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hadath.serve.limits import Limits
from hadath.serve.logs import log
from hadath.serve.problems import MEDIA_TYPE, Problem, busy

CLIENT_GONE = 499
"""Stands in the log for a request whose client went away before it was answered."""


class Guard:
    """Passes requests on to an application once their bodies are there, and calls its work off when a client leaves.

    Args:
        app: The application.
        limits: What is too much.
        quiet: No log line for a request unless the service failed.
    """

    def __init__(self, app: ASGIApp, limits: Limits, quiet: bool = False) -> None:
        self._app = app
        self._limits = limits
        self._quiet = quiet
        self.requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = CLIENT_GONE

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        details: dict[str, Any] = {}
        scope["hadath.details"] = details
        self.requests += 1
        try:
            await self._answer(scope, receive, sending)
        except Problem as problem:
            await _send(problem, sending)
        except Exception:
            # the client has its 500 already
            log("failure", logging.ERROR, exc_info=True, method=scope["method"], path=scope["path"])
        finally:
            self.requests -= 1
            if not self._quiet or status == 500:
                log(
                    "request",
                    method=scope["method"],
                    path=scope["path"],
                    status=status,
                    ms=round(1000 * (time.perf_counter() - started), 1),
                    client=scope["client"][0] if scope.get("client") else "-",
                    **details,
                )

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        if scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            if self.requests > self._limits.max_requests:
                raise busy(f"{self._limits.max_requests} requests are in progress", 1)
            read = await self._body(scope, receive)
            if read is None:
                return
            body = read
        await _until_gone(self._app, scope, body, receive, send)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """The request's body, or None where the client left before it was there."""
        limit = self._limits.max_body
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if int(declared) > limit:
            raise _too_large(limit)
        try:
            return await asyncio.wait_for(_read(receive, limit), self._limits.body_seconds)
        except asyncio.TimeoutError:
            raise Problem(
                408,
                "slow_body",
                f"the body did not arrive within {self._limits.body_seconds:g} s; send it faster, or a smaller one",
                headers={"Connection": "close"},
            ) from None


async def _read(receive: Receive, limit: int) -> bytes | None:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        size += len(chunk)
        # before it is kept; what still comes is thrown away by the connection
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


def _too_large(limit: int) -> Problem:
    return Problem(413, "body_too_large", f"the body has more than {limit:,} bytes; send fewer articles at once")


async def _until_gone(app: ASGIApp, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
    gone = asyncio.Event()
    given = False

    async def replay() -> Message:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        gone.set()

    answering = asyncio.ensure_future(app(scope, replay, send))
    watching = asyncio.ensure_future(watch())
    try:
        await asyncio.wait({answering, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            # what of its work still waits for a thread is dropped
            answering.cancel()
        with suppress(asyncio.CancelledError):
            await answering
    finally:
        answering.cancel()
        watching.cancel()


async def _send(problem: Problem, send: Send) -> None:
    body = problem.body()
    headers: dict[str, Any] = {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(body)), **problem.headers}
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
