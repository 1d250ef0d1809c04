"""The API's client against a server of a few lines: what is tried again, what is not, and what an answer means."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from steelyard import Client
from steelyard.api.client_source import sources
from steelyard.api.nouns import operations
from steelyard.api.problem import problem as as_problem
from steelyard.client.events import Event, events_of
from steelyard.client.refusals import error_of
from steelyard.domain.errors import (
    Conflict,
    Forbidden,
    InputError,
    InvalidForm,
    JudgeRefused,
    KeyRefused,
    NotFound,
    NotSignedIn,
    SteelyardError,
    TooMany,
)

ROOT = Path(__file__).resolve().parents[2]
Answer = tuple[int, dict[str, str], bytes]
PROBLEM = {"Content-Type": "application/problem+json"}
JSON = {"Content-Type": "application/json"}


def problem(status: int, **more: Any) -> Answer:
    body = {"detail": f"It is {status}.", "kept": "All.", "next_step": "Wait."} | more
    return status, PROBLEM, json.dumps(body).encode()


def told(value: object) -> Answer:
    return 200, JSON, json.dumps(value).encode()


@dataclass
class Server:
    """Answers what `replies` has for a path, one after the other and the last for good; None cuts the answer off."""

    address: str = ""
    replies: dict[str, list[Answer | None]] = field(default_factory=dict)
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def serving(**replies: list[Answer | None]) -> Generator[Server]:
    server = Server(replies={"/v1/" + path.replace("__", "/"): found for path, found in replies.items()})

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            server.seen.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            waiting = server.replies.get(self.path.partition("?")[0], [problem(404)])
            found = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            if found is None:
                self.connection.close()
                return
            status, headers, data = found
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=http.serve_forever, daemon=True)
    thread.start()
    server.address = f"http://127.0.0.1:{http.server_port}"
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()


def test_the_generated_source_is_that_of_the_document() -> None:
    """`make client` writes it again."""
    folder = ROOT / "src/steelyard/client"
    for name, text in sources().items():
        assert (folder / name).read_text(encoding="utf-8") == text, f"{name} is of another document: make client"


def test_importing_it_is_light() -> None:
    """No web framework, no database, no validation comes with it."""
    heavy = "{'fastapi', 'psycopg', 'pydantic', 'aiohttp', 'numpy', 'steelyard.services'}"
    told = f"import sys, steelyard; steelyard.Client; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, KeyRefused), (403, Forbidden), (404, NotFound), (409, Conflict), (422, InputError), (500, SteelyardError)],
)
def test_a_problem_is_the_error_that_it_was_on_the_server(status: int, kind: type[SteelyardError]) -> None:
    described = told({"info": {"version": "9"}, "paths": {"/v1/skills/{skill}": {"get": {}}}})
    replies: dict[str, list[Answer | None]] = {"openapi.json": [described]}
    with (
        serving(skills__weigh=[problem(status, field="skill")], **replies) as server,
        pytest.raises(kind) as caught,
    ):
        Client(server.address, key="sy_key", patience=0).get_skill("weigh")
    assert type(caught.value) is kind
    assert (caught.value.message, caught.value.kept, caught.value.next_step) == (f"It is {status}.", "All.", "Wait.")
    if isinstance(caught.value, InputError):
        assert caught.value.field == "skill"


def test_an_error_with_an_exit_code_of_its_own_stays_what_it_was() -> None:
    sent = as_problem(JudgeRefused("It failed.", next_step="Another."), 409, "That is not possible now", {})
    found = error_of(409, bytes(sent.body), keyed=True, retry_after_s=0, server="it")
    assert (type(found), found.message, found.next_step) == (JudgeRefused, "It failed.", "Another.")


def test_this_machine_is_asked_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as proxy, serving(skills=[told({"items": []})]) as server:
        monkeypatch.setenv("http_proxy", proxy.address)
        assert Client(server.address, key="sy_key").list_skills()["items"] == []
    assert proxy.seen == []


def test_without_a_key_nobody_has_signed_in_and_each_wrong_field_is_told() -> None:
    both = problem(422, problems=[{"field": "models", "detail": "None."}, {"field": "trials", "detail": "Many."}])
    with serving(skills=[problem(401)], skills__weigh__runs=[both]) as server:
        client = Client(server.address)
        with pytest.raises(NotSignedIn) as caught:
            client.list_skills()
        assert not isinstance(caught.value, KeyRefused)
        with pytest.raises(InvalidForm) as invalid:
            client.start_run("weigh", {"models": []})
    assert [one.field for one in invalid.value.problems] == ["models", "trials"]


def test_reading_and_what_has_a_key_are_tried_again_with_the_same_key() -> None:
    busy = (503, PROBLEM | {"Retry-After": "0"}, b'{"detail": "Away."}')
    run: list[Answer | None] = [None, busy, problem(409), (201, JSON, b'{"id": "a"}')]
    with serving(skills=[busy, None, told({"items": []})], skills__weigh__runs=run) as server:
        client = Client(server.address)
        assert client.list_skills(q="a b", descending=True)["items"] == []
        assert client.start_run("weigh", {"models": ["a:b"]})["id"] == "a"
    assert [path for _, path, _, _ in server.seen[:3]] == ["/v1/skills?q=a+b&descending=true"] * 3
    keys = {headers["idempotency-key"] for _, _, headers, _ in server.seen[3:]}
    assert (len(server.seen), len(keys)) == (7, 1)


def test_what_might_be_done_twice_is_sent_once() -> None:
    with serving(
        runs__a__cancel=[None], runs__a__resume=[(429, PROBLEM | {"Retry-After": "7"}, b'{"detail": "?"}')]
    ) as at:
        client = Client(at.address)
        with pytest.raises(SteelyardError, match="cannot be reached"):
            client.cancel_run("a")
        with pytest.raises(TooMany) as caught:
            client.resume_run("a", {})
    assert (len(at.seen), caught.value.retry_after_s) == (2, 7)


def test_the_events_of_a_run_are_taken_up_where_they_broke_off() -> None:
    stream = {"Content-Type": "text/event-stream"}
    first = b'id: 1\nevent: progress\ndata: {"ended": 1}\n\nid: 2\nevent: progress\ndata: {"end'
    last = b'id: 2\nevent: progress\ndata: {"ended": 2}\n\nid: 2\nevent: ended\ndata: {"status": "completed"}\n\n'
    with serving(runs__a__events=[(200, stream, first), None, problem(503), (200, stream, last)]) as server:
        seen = [one["ended"] for one in Client(server.address).stream_run("a")]
    assert seen == [1, 2]
    assert [headers.get("last-event-id") for _, _, headers, _ in server.seen] == [None, "1", "1", "1"]


def test_events_that_never_come_end_with_what_happened() -> None:
    with serving(runs__a__events=[None]) as server, pytest.raises(SteelyardError, match="cannot be reached"):
        list(Client(server.address, patience=0.1).stream_run("a"))


def test_every_page_of_a_list_is_read() -> None:
    pages: list[Answer | None] = [told({"items": [1, 2], "next": "x"}), told({"items": [3], "next": None})]
    with serving(skills__weigh__cases=pages) as server:
        assert list(Client(server.address).every_cases("weigh", limit=2)) == [1, 2, 3]
    assert server.seen[1][1] == "/v1/skills/weigh/cases?after=x&limit=2"


def test_a_server_of_another_version_is_told_from_what_is_not_there() -> None:
    described = told({"info": {"version": "0.0.9"}, "paths": {"/v1/skills/{skill}": {"get": {}}}})
    replies: dict[str, list[Answer | None]] = {"openapi.json": [described]}
    with serving(**replies) as server:
        client = Client(server.address)
        with pytest.raises(SteelyardError, match=r"does not know GET /v1/stale: it is of version 0\.0\.9"):
            client.list_stale()
        with pytest.raises(NotFound):
            client.get_skill("nobody")


@pytest.mark.parametrize(
    "reply",
    [
        (200, {"Content-Type": "text/html"}, b"<p>Welcome</p>"),
        (200, JSON, b"{"),
        (502, {"Content-Type": "text/html"}, b"Bad gateway"),
    ],
)
def test_what_is_no_steelyard_is_said_to_be_none(reply: Answer) -> None:
    replies: list[Answer | None] = [reply]
    with serving(skills=replies) as server, pytest.raises(SteelyardError, match="not as Steelyard does"):
        Client(server.address, patience=0).list_skills()


def test_no_redirect_is_followed_with_the_key() -> None:
    with serving() as other, serving(skills=[(302, {"Location": other.address}, b"")]) as server:
        with pytest.raises(SteelyardError, match="sends on to another address"):
            Client(server.address, key="sy_key").list_skills()
        assert other.seen == []
    assert server.seen[0][2]["authorization"] == "Bearer sy_key"


@pytest.mark.parametrize(
    "server", ["http://steelyard.example.com", "http://10.1.2.3:8765", "http://127.0.0.1.evil.com"]
)
def test_a_key_goes_to_other_machines_over_https_alone(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STEELYARD_KEY", raising=False)
    with pytest.raises(InputError, match="plain http"):
        Client(server, key="sy_key")
    assert Client(server).server == server
    assert Client(server, key="sy_key", allow_http=True).server == server
    assert Client("https://steelyard.example.com/v1/", key="sy_key").server == "https://steelyard.example.com"
    assert "sy_key" not in repr(Client("http://localhost:1", key="sy_key"))


@pytest.mark.parametrize("server", ["steelyard.example.com", "ftp://a", "http://", "http://[", "https://a?b=c"])
def test_what_is_no_address_is_refused(server: str) -> None:
    with pytest.raises(InputError, match="no address of a server"):
        Client(server)


def test_nothing_in_a_name_leaves_its_part_of_the_path() -> None:
    with serving() as server, pytest.raises(SteelyardError, match="no API of Steelyard"):
        Client(server.address).get_skill("../runs?a=b#c")
    assert server.seen[0][1] == "/v1/skills/..%2Fruns%3Fa%3Db%23c"


def test_events_are_read_as_the_standard_has_them() -> None:
    lines = [b": hello\n", b"\n", b"data: a\n", b"data:b\r\n", b"id: 7\n", b"\n", b"event: x\n", b"\n", b"data: half\n"]
    assert list(events_of(lines)) == [Event("message", "a\nb", "7")]


def test_every_operation_but_those_by_hand_is_a_method() -> None:
    here = {name for name in dir(Client) if not name.startswith("_")}
    assert {one.name for one in operations()} - here == {"send_traces"}
