"""How much the service takes on: sizes, numbers and times past which it says no."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What is too much.

    Attributes:
        max_body: Bytes of a request's body.
        max_characters: Characters of one article.
        max_articles: Articles of one request.
        max_requests: Requests that are being read, wait or are being tagged at once; more are told to come back.
        max_waiting: Characters of the articles that wait for a thread; a request that would make them more is told to
            come back, unless nothing waits.
        body_seconds: Time for a client to send a request's body.
        header_seconds: Time for a client to send a request's head, and to send on what nobody reads any more.
        write_seconds: Time for a client to take what is sent to it before its connection is cut.
        shutdown_seconds: Time for the requests in progress to end when the service is told to stop.
    """

    max_body: int = 2_000_000
    max_characters: int = 100_000
    max_articles: int = 100
    max_requests: int = 256
    max_waiting: int = 500_000
    body_seconds: float = 15.0
    header_seconds: float = 10.0
    write_seconds: float = 30.0
    shutdown_seconds: int = 30
