"""Connections that dawdle are closed: uvicorn itself waits for ever for a request's head and for a slow reader."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from hadath.serve.limits import Limits
from hadath.serve.problems import MEDIA_TYPE, Problem


class Connection(H11Protocol):
    """A connection with time limits.

    The head of a request must arrive within ``header_seconds`` of the connection or of its own first byte, else the
    client is told 408; what was written must be taken within ``write_seconds``. What uvicorn answers to broken HTTP
    has the form of all the service's problems.
    """

    limits = Limits()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts waiting for the first head."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(self.limits.header_seconds, self._head_is_late)

    def data_received(self, data: bytes) -> None:
        """Takes what arrived; the time for a head runs from its first byte, not from its last."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_head_timer()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self.limits.header_seconds, self._head_is_late)

    def pause_writing(self) -> None:
        """Starts waiting for the client to take what was written."""
        super().pause_writing()
        self._stop_write_timer()
        self._write_timer = self.loop.call_later(self.limits.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Ends waiting for it."""
        super().resume_writing()
        self._stop_write_timer()

    def timeout_keep_alive_handler(self) -> None:
        """Closes a connection that is not used any more, also where the client did not take the end of its answer."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends all waiting."""
        self._stop_head_timer()
        self._stop_write_timer()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Tells the client that it does not speak HTTP."""
        self._refuse(Problem(400, "invalid_http", "this is not HTTP/1.1, or a head of more than 64 kB"))

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self.conn.our_state is h11.IDLE and self.conn.trailing_data[0]:
            self._refuse(Problem(408, "slow_head", f"no whole head within {self.limits.header_seconds:g} s"))
        elif not self.transport.is_closing():
            self.transport.close()

    def _refuse(self, problem: Problem) -> None:
        body = problem.body()
        headers = [
            ("Content-Type", MEDIA_TYPE),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ]
        reason = HTTPStatus(problem.status).phrase
        for event in (
            h11.Response(status_code=problem.status, headers=headers, reason=reason),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
