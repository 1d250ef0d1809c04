"""Server-sent events of an open answer, one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_LONGEST_EVENT = 20_000_000


@dataclass(frozen=True)
class Event:
    """One event; `id` is empty where the stream has given none yet."""

    name: str
    data: str
    id: str


def events_of(lines: Iterable[bytes]) -> Iterator[Event]:
    """The events of a stream's lines, as HTML's standard has them: one ends at an empty line, half a one is dropped."""
    name, data, last, size = "", list[str](), "", 0
    for raw in lines:
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if not line:
            if data:
                yield Event(name or "message", "\n".join(data), last)
            name, data, size = "", [], 0
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        size += len(value)
        if size > _LONGEST_EVENT:
            raise ValueError("An event has no end.")
        match field:
            case "event":
                name = value
            case "data":
                data.append(value)
            case "id" if "\x00" not in value:
                last = value
            case _:
                pass
