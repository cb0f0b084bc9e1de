"""The time limits of connections, with a server in this process, so that they can be short."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="needs the extra serve")

import uvicorn
from starlette.types import Receive, Scope, Send

from hadath.serve.connections import Connection
from hadath.serve.limits import Limits

LARGE = 30_000_000


class QuickConnection(Connection):
    limits = Limits(header_seconds=0.2, write_seconds=0.2)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    body = b"x" * (LARGE if scope["path"] == "/large" else 2)
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def connections() -> AsyncIterator[tuple[uvicorn.Server, Callable[[], Any]]]:
    config = uvicorn.Config(
        application, port=0, http=QuickConnection, lifespan="off", log_config=None, ws="none", timeout_keep_alive=1
    )
    server = uvicorn.Server(config)
    server.capture_signals = no_signals  # type: ignore[method-assign]
    serving = asyncio.ensure_future(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield server, lambda: asyncio.open_connection("127.0.0.1", port, limit=1000)
    finally:
        server.should_exit = True
        await serving


def no_signals() -> Any:
    from contextlib import nullcontext

    return nullcontext()


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 30))


def test_a_head_that_does_not_end_is_told() -> None:
    async def test() -> None:
        async with connections() as (_, connect):
            reader, writer = await connect()
            writer.write(b"POST /tag HTTP/1.1\r\n")
            answer = asyncio.ensure_future(reader.read())
            while not answer.done():  # a byte now and then does not help
                writer.write(b"X")
                await asyncio.sleep(0.05)
            assert (await answer).startswith(b"HTTP/1.1 408")
            writer.close()

    run(test)


def test_a_connection_on_which_nothing_comes_is_closed() -> None:
    async def test() -> None:
        async with connections() as (_, connect):
            reader, writer = await connect()
            assert await reader.read() == b""
            writer.close()

    run(test)


def test_requests_one_after_the_other_have_their_time_each() -> None:
    async def test() -> None:
        async with connections() as (_, connect):
            reader, writer = await connect()
            for _ in range(4):
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
                await asyncio.sleep(0.1)
                writer.write(b"\r\n")
                answer = await reader.readuntil(b"xx")
                assert answer.startswith(b"HTTP/1.1 200")
            # and then the second head of a connection that was used before is late as well
            writer.write(b"GET / HTTP/1.1\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 408")
            writer.close()

    run(test)


def test_who_does_not_take_the_answer_is_cut_off() -> None:
    async def test() -> None:
        async with connections() as (server, connect):
            reader, writer = await connect()
            writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            while not server.server_state.connections:
                await asyncio.sleep(0.01)
            while server.server_state.connections:  # nothing is read meanwhile
                await asyncio.sleep(0.05)
            with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                await reader.readexactly(LARGE)
            writer.close()

    run(test)


def test_who_takes_the_answer_slowly_gets_it_whole() -> None:
    async def test() -> None:
        async with connections() as (_, connect):
            reader, writer = await connect()
            writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            size = 0
            while part := await reader.read(3_000_000):
                size += len(part)
            assert size > LARGE
            writer.close()

    run(test)
