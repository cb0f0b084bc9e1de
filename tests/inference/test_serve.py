from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="needs the extra serve")
pytest.importorskip("uvicorn", reason="needs the extra serve")

from hadath.cli import main
from hadath.document import Document
from hadath.model_directory import load
from hadath.records.record import EventRecord
from hadath.serve.messages import Records, TaggedDocument
from tests.fixtures.served import HOST, Server, server

TEXT = "زار وزير الخارجية مدينة تونس أمس. وقال إن القوات على الطريق."
PROBLEM = {"status", "title", "code", "detail", "errors"}


@pytest.fixture(scope="module")
def service(tiny_model_directory: Path) -> Iterator[Server]:
    # small limits, so that every one of them can be reached soon
    options = ["--max-body", "200k", "--max-chars", "5k", "--max-articles", "5", "--body-timeout", "0.4"]
    with server(tiny_model_directory, *options) as running:
        yield running


def is_a_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    values: dict[str, Any] = answer.json()
    assert (answer.status, values["status"], values["code"]) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(values) == PROBLEM
    return values


# what it answers


def test_an_article_is_tagged_as_the_tagger_tags_it(service: Server, tiny_model_directory: Path) -> None:
    answer = service.ask("POST", "/tag", {"text": TEXT, "id": "n1"})
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    TaggedDocument.model_validate(answer.json(), extra="forbid")
    document = Document.from_dict(answer.json())
    expected = load(tiny_model_directory, threads=1)(TEXT)
    assert document.id == "n1"
    assert (document.text, len(document.entities)) == (TEXT, len(expected.entities))
    assert [(e.start, e.end, e.type) for e in document.events] == [(e.start, e.end, e.type) for e in expected.events]
    assert document.events


def test_articles_come_back_in_their_order(service: Server) -> None:
    articles = [{"text": TEXT * n, "id": str(n)} for n in (3, 0, 1)] + [{"text": "😀 تُونِـس"}]
    found = service.ask("POST", "/tag", {"articles": articles}).json()["documents"]
    assert [values["text"] for values in found] == [article["text"] for article in articles]
    assert [values["id"] for values in found] == ["3", "0", "1", None]
    for values in found:
        Document.from_dict(values)


def test_records_are_those_of_the_document(service: Server) -> None:
    document = Document.from_dict(service.ask("POST", "/tag", {"text": TEXT, "id": "n1"}).json())
    answer = service.ask("POST", "/records", {"text": TEXT, "id": "n1", "date": "2025-11-18"})
    assert answer.status == 200
    Records.model_validate(answer.json(), extra="forbid")
    found = [EventRecord.from_dict(record) for record in answer.json()["records"]]
    assert found == list(document.records(date="2025-11-18"))
    assert {record.published for record in found} == {"2025-11-18"}
    many = service.ask("POST", "/records", {"articles": [{"text": TEXT}, {"text": ""}]}).json()["documents"]
    assert [len(one["records"]) for one in many] == [len(found), 0]


def test_the_view_is_a_page(service: Server) -> None:
    answer = service.ask("POST", "/html?language=en", {"text": TEXT})
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.body.decode() == Document.from_dict(service.ask("POST", "/tag", {"text": TEXT}).json()).to_html(
        language="en"
    )


def test_the_page_needs_nothing_from_elsewhere(service: Server) -> None:
    answer = service.ask("GET", "/")
    page = answer.body.decode()
    assert answer.status == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert '<html lang="ar" dir="rtl">' in page
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//|@import|url\(", page)


def test_health_tells_what_it_runs_and_what_waits(service: Server) -> None:
    values = service.ask("GET", "/health").json()
    assert (values["status"], values["model"]) == ("ready", "tiny")
    assert values["load"]["waiting_articles"] == values["load"]["waiting_characters"] == 0
    assert values["load"]["threads"] >= 1


def test_requests_at_the_same_time_are_all_answered(service: Server) -> None:
    with ThreadPoolExecutor(24) as clients:
        sizes = [1 + number % 7 for number in range(72)]
        answers = list(clients.map(lambda size: service.ask("POST", "/tag", {"text": TEXT * size}), sizes))
    assert {answer.status for answer in answers} == {200}
    assert [answer.json()["text"] for answer in answers] == [TEXT * size for size in sizes]


# what it refuses


@pytest.mark.parametrize(
    ("path", "body", "pointers"),
    [
        ("/tag", {}, ["/text"]),
        ("/tag", [], [""]),
        ("/tag", {"text": 1, "texte": TEXT}, ["/text", "/texte"]),
        ("/tag", {"text": TEXT, "id": 5}, ["/id"]),
        ("/tag", {"text": "\ud800"}, ["/text"]),
        ("/tag", {"text": TEXT, "id": "\udfff"}, ["/id"]),
        ("/tag", {"articles": []}, ["/articles"]),
        ("/tag", {"articles": [{"text": ""}, {"text": 1}, {"id": "x"}]}, ["/articles/1/text", "/articles/2/text"]),
        ("/tag", {"articles": [{"text": "x" * 5001}, {"text": ""}]}, ["/articles/0/text"]),
        ("/tag", {"articles": [{"text": ""}, {"text": "\ud800"}]}, ["/articles/1/text"]),
        ("/tag", {"articles": [{"text": "\ud800"}]}, ["/articles/0/text"]),
        ("/tag", {"articles": [{"text": ""}] * 6}, ["/articles"]),
        ("/tag", {"text": "x" * 5001}, ["/text"]),
        ("/records", {"text": TEXT, "date": "20251118"}, ["/date"]),
        ("/records", {"text": TEXT, "date": "2025-13-01"}, ["/date"]),
        ("/records", {"text": TEXT, "date": 1763424000}, ["/date"]),
        ("/html?language=fr", {"text": TEXT}, ["?language"]),
    ],
)  # fmt: skip
def test_everything_wrong_with_a_request_is_told(service: Server, path: str, body: Any, pointers: list[str]) -> None:
    values = is_a_problem(service.ask("POST", path, body), 422, "invalid_request")
    assert [fault["pointer"] for fault in values["errors"]] == pointers
    assert all(fault["detail"] for fault in values["errors"])


@pytest.mark.parametrize("body", [b"", b'{"text":', b"\xff\xfe", b'{"text": "\xff"}', b"[" * 100_000, b"{'text': 1}"])
def test_what_is_no_json_is_told(service: Server, body: bytes) -> None:
    answer = service.ask("POST", "/tag", body)
    if body:
        assert "JSON" in is_a_problem(answer, 400, "invalid_json")["detail"]
    else:
        is_a_problem(answer, 422, "invalid_request")


def test_other_content_and_other_paths_are_told(service: Server) -> None:
    is_a_problem(service.ask("POST", "/tag", b"text=x", {"Content-Type": "text/plain"}), 415, "not_json")
    is_a_problem(service.ask("GET", "/nothing"), 404, "not_found")
    is_a_problem(service.ask("GET", "/tag"), 405, "method_not_allowed")
    for path in ("/docs", "/redoc"):  # pages that would load scripts from elsewhere
        is_a_problem(service.ask("GET", path), 404, "not_found")


def test_a_body_of_ten_megabytes_is_refused_and_the_connection_lives(service: Server) -> None:
    is_a_problem(service.ask("POST", "/tag", b"x" * 10_000_000), 413, "body_too_large")
    with socket.create_connection((HOST, service.port), timeout=20) as client:
        client.sendall(
            b"POST /tag HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for _ in range(100):  # its length is not known beforehand
            client.sendall(b"186a0\r\n" + b"x" * 100_000 + b"\r\n")
        client.sendall(b"0\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answers = received(client)
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"413", b"200"]


def test_who_asks_first_whether_to_send_a_large_body_need_not(service: Server) -> None:
    with socket.create_connection((HOST, service.port), timeout=20) as client:
        client.sendall(head_of(10_000_000)[:-2] + b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
        assert received(client).startswith(b"HTTP/1.1 413")


def test_a_slow_body_is_told(service: Server) -> None:
    with socket.create_connection((HOST, service.port), timeout=20) as client:
        client.sendall(
            b"POST /tag HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{"
        )
        answer = received(client)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"slow_body"' in answer
    assert service.ask("POST", "/tag", {"text": TEXT}).status == 200


def test_what_is_no_http_is_told_as_a_problem(service: Server) -> None:
    with socket.create_connection((HOST, service.port), timeout=20) as client:
        client.sendall(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        answer = received(client)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in answer


def test_a_client_that_leaves_is_logged_and_the_service_goes_on(service: Server) -> None:
    body = json.dumps({"articles": [{"text": TEXT * 80}] * 5}).encode()
    for _ in range(20):
        with socket.create_connection((HOST, service.port), timeout=20) as client:
            client.sendall(head_of(len(body)) + body)
    answer = service.ask("POST", "/tag", {"text": TEXT})
    assert answer.status == 200
    until(lambda: service.ask("GET", "/health").json()["load"]["requests"] == 0)
    until(lambda: any(" status=499 " in line for line in service.log))


def test_each_request_is_one_log_line_without_its_text(service: Server) -> None:
    service.ask("POST", "/tag?x=%0aERROR", {"text": TEXT})
    service.ask("GET", "/%0aERROR%20forged")
    until(lambda: "forged" in service.log[-1])
    assert all(
        re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (INFO|WARNING) \w+( \w+=\S+)*", line) for line in service.log
    )
    assert re.search(r' path="/\\nERROR forged" status=404 ', service.log[-1])
    assert "تونس" not in "".join(service.log)


def test_more_requests_than_there_is_room_for_are_told_when_to_come_back(tiny_model_directory: Path) -> None:
    with server(tiny_model_directory, "--max-requests", "2") as running:
        waiting = [socket.create_connection((HOST, running.port), timeout=20) for _ in range(2)]
        for client in waiting:
            client.sendall(head_of(12))
        until(lambda: running.ask("GET", "/health").json()["load"]["requests"] == 2)
        refused = running.ask("POST", "/tag", {"text": TEXT})
        is_a_problem(refused, 503, "busy")
        assert int(refused.headers["retry-after"]) >= 1
        for client in waiting:
            client.sendall(b'{"text": ""}')
            assert client.recv(65_536).startswith(b"HTTP/1.1 200")
            client.close()
        assert running.ask("POST", "/tag", {"text": TEXT}).status == 200


# its life


def test_what_is_in_progress_ends_before_the_service_does(tiny_model_directory: Path) -> None:
    with server(tiny_model_directory, "--threads", "1") as running, ThreadPoolExecutor(1) as client:
        body = {"articles": [{"text": TEXT * 1000}] * 5}
        answer = client.submit(running.ask, "POST", "/tag", body)
        until(lambda: running.ask("GET", "/health").json()["load"]["requests"] == 1)
        status = running.stop()
        assert (answer.result().status, len(answer.result().json()["documents"])) == (200, 5)
        assert status == 0
        with pytest.raises(ConnectionRefusedError):
            running.ask("GET", "/health")
    assert running.log[-1].endswith("INFO stopped\n")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_is_a_clean_end(tiny_model_directory: Path, workers: str) -> None:
    with server(tiny_model_directory, "--workers", workers, "--threads", "1", "--quiet") as running:
        with ThreadPoolExecutor(8) as clients:
            answers = list(clients.map(lambda _: running.ask("POST", "/tag", {"text": TEXT}).status, range(16)))
        assert answers == [200] * 16
        assert running.stop(signal.SIGINT) == 0
    assert [re.sub(r"^\S+ ", "", line).split()[:2] for line in running.log] == [
        ["INFO", "listening"],
        ["INFO", "stopped"],
    ]


def test_no_process_outlives_the_one_that_was_started(tiny_model_directory: Path) -> None:
    with server(tiny_model_directory, "--workers", "2", "--threads", "1") as running:
        assert running.ask("POST", "/tag", {"text": TEXT}).status == 200
        running.process.kill()
        until(lambda: not listening(running.port))


def test_a_port_that_is_taken_is_a_sentence(
    tiny_model_directory: Path, service: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "-m", str(tiny_model_directory), "--port", str(service.port)]) == 2
    assert re.fullmatch(
        r"hadath: cannot listen on 127.0.0.1, port \d+: Address already in use.*\n", capsys.readouterr().err
    )


def test_a_damaged_model_is_a_sentence(
    tiny_model_directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Path(shutil.copytree(tiny_model_directory, tmp_path / "model"))
    (model / "model.onnx").write_bytes(b"x")
    assert main(["serve", "-m", str(model), "--port", "0"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_without_the_extra_it_says_so(
    tiny_model_directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("hadath.serve.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    assert main(["serve", "-m", str(tiny_model_directory)]) == 2
    assert (
        capsys.readouterr().err == "hadath: hadath serve needs fastapi; install it with: pip install 'hadath[serve]'\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "70000"], "expected 0 to 65535"),
        (["--max-body", "2G"], "such as 500, 500k or 2M"),
        (["--workers", "0"], "no number above 0"),
        (["--body-timeout", "nan"], "no number of seconds above 0"),
    ],
)
def test_wrong_options_are_told(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", *arguments])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def listening(port: int) -> bool:
    """Whether anybody listens on a port of the loopback address."""
    try:
        socket.create_connection((HOST, port), timeout=20).close()
    except OSError:
        return False
    return True


def head_of(length: int) -> bytes:
    """The head of a request with a body of a number of bytes."""
    head = f"POST /tag HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    return head.encode()


def received(client: socket.socket) -> bytes:
    """All that a connection gives until it is closed."""
    parts = []
    while part := client.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def until(condition: Callable[[], bool]) -> None:
    """Waits until something is so."""
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
