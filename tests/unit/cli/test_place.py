"""Which commands ask a server, and where else the others are done."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from steelyard.cli.main import GROUPS, app
from steelyard.cli.place import ENV, OF_NEITHER, OF_SERVERS, choose_server, refuse_server
from steelyard.domain.errors import InputError
from steelyard.web.access import ACCESS


def commands() -> Iterator[str]:
    for command in app.registered_commands:
        yield command.name or getattr(command.callback, "__name__", "")
    for word, group in GROUPS.items():
        for command in group.registered_commands:
            yield f"{word} {command.name}"


def test_what_asks_no_server_refuses_one_and_names_pages_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENV, "http://127.0.0.1:9")
    choose_server(None)
    every = set(commands())
    assert every >= OF_SERVERS | OF_NEITHER
    pages: list[str] = []
    for words in sorted(every - OF_SERVERS - OF_NEITHER):
        with pytest.raises(InputError, match="works on this machine alone") as refused:
            refuse_server(words)
        step = refused.value.next_step or ""
        assert step.startswith(f"Leave {ENV} away")
        pages += re.findall(r"page (/\S+)\.", step)
    assert len(pages) > 10
    assert {f"GET {page}" for page in pages} <= ACCESS.keys()
    for words in OF_SERVERS | OF_NEITHER:
        refuse_server(words)
