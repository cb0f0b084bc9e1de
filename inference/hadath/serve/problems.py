"""What the service answers where it cannot do what was asked: problem details in the form of RFC 9457, always."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    pointer: str = Field(
        description="where: a JSON pointer into the body, or ?name for a parameter", examples=["/articles/3/text"]
    )
    detail: str = Field(description="what is wrong there and what was expected", examples=["Field required"])


class ProblemDetails(BaseModel):
    """Why a request was not answered, after RFC 9457."""

    status: int = Field(description="the HTTP status", examples=[422])
    title: str = Field(description="what the status means", examples=["Unprocessable Content"])
    code: str = Field(description="the kind of problem, for programs", examples=["invalid_request"])
    detail: str = Field(description="what was wrong and what to do", examples=["1 field of the request is not valid"])
    errors: list[Fault] = Field(default=[], description="everything that is wrong with the request's body")


class Problem(Exception):
    """A request that is not answered with what it asked for.

    Args:
        status: The HTTP status.
        code: The kind of problem, for programs.
        detail: What was wrong and what to do, for people.
        errors: Everything that is wrong with the body.
        headers: Further headers of the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})

    def body(self) -> bytes:
        """Returns the answer's body.

        Example:
            >>> json.loads(Problem(404, "not_found", "nothing is here").body())["title"]
            'Not Found'
        """
        values = ProblemDetails(
            status=self.status,
            title=HTTPStatus(self.status).phrase,
            code=self.code,
            detail=self.detail,
            errors=self.errors,
        )
        return json.dumps(values.model_dump(), ensure_ascii=False).encode("utf-8", "backslashreplace")


def busy(detail: str, seconds: int) -> Problem:
    """Returns the problem of a request that there is no room for now.

    Args:
        detail: What there is no room for.
        seconds: After how many seconds there should be room.
    """
    return Problem(503, "busy", f"{detail}; try again in {seconds} s", headers={"Retry-After": str(seconds)})


_DESCRIPTIONS = {
    400: "The body is not JSON.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The body is not said to be JSON.",
    422: "A field is missing, unknown, of another type, not valid Unicode, or too long; all of them are listed.",
    500: "The service failed.",
    503: "There is no room now; the header Retry-After says when to come back.",
}


def responses() -> dict[int | str, dict[str, Any]]:
    """Returns the problems of a request with a body, as OpenAPI describes them."""
    described: dict[int | str, dict[str, Any]] = {}
    for status, description in _DESCRIPTIONS.items():
        described[status] = {
            "description": description,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
        }
    described[503]["headers"] = {
        "Retry-After": {"description": "seconds to wait", "schema": {"type": "integer", "minimum": 1}}
    }
    return described
