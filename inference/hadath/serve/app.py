"""The application: what is asked for at which path, and how it is answered."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from http import HTTPStatus
from importlib.resources import files
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from pydantic import Discriminator, Tag
from starlette.exceptions import HTTPException

from hadath.document import Document
from hadath.html import tagged_page
from hadath.serve.batching import Batcher, Finish
from hadath.serve.guard import Guard
from hadath.serve.limits import Limits
from hadath.serve.messages import (
    Article,
    Articles,
    DatedArticle,
    DatedArticles,
    Health,
    Load,
    Records,
    RecordsOfDocuments,
    TaggedDocument,
    TaggedDocuments,
)
from hadath.serve.problems import MEDIA_TYPE, Fault, Problem, ProblemDetails, responses
from hadath.tagger import Tagger
from hadath.terminal import counted
from hadath.version import __version__

_DESCRIPTION = "Finds entities and events in Arabic news: who did what to whom, where and when."

# nothing is fetched from elsewhere; the article's view brings its own, narrower policy
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def _one_or_many(body: Any) -> str:
    several = "articles" in body if isinstance(body, dict) else isinstance(body, Articles | DatedArticles)
    return "many" if several else "one"


ToTag = Annotated[Annotated[Article, Tag("one")] | Annotated[Articles, Tag("many")], Discriminator(_one_or_many)]
ToRecord = Annotated[
    Annotated[DatedArticle, Tag("one")] | Annotated[DatedArticles, Tag("many")], Discriminator(_one_or_many)
]


class Service(FastAPI):
    """A FastAPI application whose description also holds the problems."""

    def openapi(self) -> dict[str, Any]:
        """Returns the OpenAPI description."""
        described = super().openapi()
        schemas = described["components"]["schemas"]
        schema = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs"))
        schemas["ProblemDetails"] = schema
        return described


def build_app(tagger: Tagger, *, model: str, threads: int, limits: Limits | None = None, quiet: bool = False) -> Guard:
    """Makes the application.

    Args:
        tagger: A tagger that runs one batch at a time (``load(threads=1)``).
        model: The model's name, which ``/health`` tells.
        threads: Articles that are tagged side by side.
        limits: What is too much.
        quiet: No log line for a request unless the service failed.

    Returns:
        An ASGI application.
    """
    kept = limits or Limits()
    batcher = Batcher(tagger, threads, kept)
    started = time.monotonic()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(batcher.close)

    app = Service(
        title="hadath",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        # its pages would fetch scripts from elsewhere
        docs_url=None,
        redoc_url=None,
    )
    _handle_problems(app)
    guard = Guard(app, kept, quiet)

    async def answers(
        request: Request, articles: Sequence[Article], works: Sequence[Finish], many: bool = False
    ) -> list[bytes]:
        _check(articles, kept, many)
        request.scope["hadath.details"].update(
            articles=len(articles), characters=sum(len(article.text) for article in articles)
        )
        futures: list[Future[bytes]] = batcher.submit(
            [(article.text, work) for article, work in zip(articles, works, strict=True)]
        )
        return list(await asyncio.gather(*map(asyncio.wrap_future, futures)))

    @app.post(
        "/tag",
        summary="Tag one article or several",
        response_model=None,
        responses={200: {"model": TaggedDocument | TaggedDocuments}, **responses()},
        dependencies=[Depends(_json_body)],
    )
    async def tag(request: Request, body: ToTag) -> Response:
        """Entities and events with exact character offsets; of several articles in the order of the request."""
        many = isinstance(body, Articles)
        articles = body.articles if isinstance(body, Articles) else [body]
        found = await answers(request, articles, [_tagged(article.id) for article in articles], many)
        return _json_response(found, many)

    @app.post(
        "/records",
        summary="Make event records of one article or several",
        response_model=None,
        responses={200: {"model": Records | RecordsOfDocuments}, **responses()},
        dependencies=[Depends(_json_body)],
    )
    async def records(request: Request, body: ToRecord) -> Response:
        """A record for each event: who did what to whom, where and when, mentions of one event taken together."""
        many = isinstance(body, DatedArticles)
        articles = body.articles if isinstance(body, DatedArticles) else [body]
        found = await answers(request, articles, [_recorded(article) for article in articles], many)
        return _json_response(found, many)

    @app.post(
        "/html",
        summary="Show one article with what was found in it",
        response_class=HTMLResponse,
        responses=responses(),
        dependencies=[Depends(_json_body)],
    )
    async def html(request: Request, body: Article, language: Literal["ar", "en"] = "ar") -> Response:
        """A page that is one file, right to left, for the eye, keyboard and ear."""

        def view(document: Document) -> bytes:
            return tagged_page([_named(document, body.id)], language=language).encode("utf-8")

        return HTMLResponse((await answers(request, [body], [view]))[0])

    @app.get("/health", summary="Tell how the service is", responses={503: {"model": Health}})
    async def health(response: Response) -> Health:
        """Whether it is ready, what it runs, and what it has to do."""
        waiting = batcher.waiting()
        alive = batcher.alive()
        response.status_code = 200 if alive else 503
        return Health(
            status="ready" if alive else "broken",
            model=model,
            version=__version__,
            seconds=round(time.monotonic() - started, 1),
            load=Load(
                requests=guard.requests - 1,
                waiting_articles=waiting.articles,
                waiting_characters=waiting.characters,
                threads=threads,
            ),
        )

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        text = files("hadath.serve").joinpath("page.html").read_text(encoding="utf-8")
        return HTMLResponse(text, headers={"Content-Security-Policy": _PAGE_POLICY})

    return guard


def _named(document: Document, identifier: str | None) -> Document:
    return Document(document.text, document.entities, document.events, identifier)


def _tagged(identifier: str | None) -> Finish:
    return lambda document: _json(_named(document, identifier).to_dict())


def _recorded(article: DatedArticle) -> Finish:
    def answer(document: Document) -> bytes:
        date = None if article.date is None else article.date.isoformat()
        found = _named(document, article.id).records(date=date)
        return _json({"id": article.id, "records": [record.to_dict() for record in found]})

    return answer


def _json(values: dict[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _json_response(documents: Sequence[bytes], many: bool) -> Response:
    content = b'{"documents":[' + b",".join(documents) + b"]}" if many else documents[0]
    return Response(content, media_type="application/json")


def _json_body(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(
            415,
            "not_json",
            f"the body is said to be {kind or 'nothing'}; send JSON, with the header Content-Type: application/json",
        )


def _check(articles: Sequence[Article], limits: Limits, many: bool) -> None:
    if len(articles) > limits.max_articles:
        detail = f"{counted(len(articles), 'article')}; expected at most {limits.max_articles:,}"
        raise _invalid([Fault(pointer="/articles", detail=detail)])
    faults = []
    for number, article in enumerate(articles):
        if wrong := _wrong_with(article.text, limits):
            pointer = f"/articles/{number}/text" if many else "/text"
            faults.append(Fault(pointer=pointer, detail=wrong))
    if faults:
        raise _invalid(faults)


def _wrong_with(text: str, limits: Limits) -> str | None:
    if len(text) > limits.max_characters:
        return f"{counted(len(text), 'character')}; expected at most {limits.max_characters:,}"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        return f"half a surrogate pair at character {error.start}; expected valid Unicode"
    return None


def _invalid(faults: Sequence[Fault]) -> Problem:
    return Problem(422, "invalid_request", f"the request is not valid in {counted(len(faults), 'place')}", faults)


def _handle_problems(app: FastAPI) -> None:
    @app.exception_handler(Problem)
    async def problem_of_ours(request: Request, error: Problem) -> Response:
        return _problem_response(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return _problem_response(_problem_of_validation(error))

    @app.exception_handler(HTTPException)
    async def of_starlette(request: Request, error: HTTPException) -> Response:
        if error.status_code == 400:
            problem = Problem(400, "invalid_json", "the body is not JSON in UTF-8, or nested too deeply")
        else:
            code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
            detail = f"{request.method} {request.url.path}: {HTTPStatus(error.status_code).description}"
            problem = Problem(error.status_code, code, f"{detail}; see /openapi.json", headers=error.headers)
        return _problem_response(problem)

    @app.exception_handler(Exception)
    async def failure(request: Request, error: Exception) -> Response:
        return _problem_response(Problem(500, "failure", "the service failed; its log says why"))


def _problem_of_validation(error: RequestValidationError) -> Problem:
    faults = []
    for fault in error.errors():
        place, *path = fault["loc"]
        if fault["type"] == "json_invalid":
            reason = fault.get("ctx", {}).get("error", "not JSON")
            return Problem(400, "invalid_json", f"the body is not JSON: {reason} at character {path[0]}")
        # what pydantic calls the branch of one or several articles is nothing that the client sent
        if place == "body" and path and path[0] in ("one", "many"):
            path = path[1:]
        pointer = "".join(f"/{part}" for part in path) if place == "body" else f"?{path[0]}"
        faults.append(Fault(pointer=pointer, detail=_said(fault)))
    return _invalid(faults)


def _said(fault: Mapping[str, Any]) -> str:
    if fault["type"] in ("model_attributes_type", "model_type", "dict_type"):
        return "expected a JSON object"
    return str(fault["msg"]).removeprefix("Value error, ")


def _problem_response(problem: Problem) -> Response:
    return Response(problem.body(), problem.status, problem.headers, MEDIA_TYPE)
