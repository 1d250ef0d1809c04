"""JSON and YAML as plain values whose mappings know the line they start on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast

import yaml

from steelyard.skills.text import MAX_DEPTH

MAX_NODES = 1_000_000
# Of text that is there by aliases alone: one long text may be named many times in a few letters each.
MAX_ALIASED_CHARACTERS = 10_000_000

_INT = re.compile(r"[-+]?[0-9]{1,300}\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?\Z")
_CONSTANTS = {"": None, "~": None, "null": None, "true": True, "false": False}
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Node(dict[str, Any]):
    """A mapping with the line (from 1) it starts on and, per key, the spelling of a scalar that is no string."""

    def __init__(self, line: int, *args: Any) -> None:
        super().__init__(*args)
        self.line = line
        self.spelling: dict[str, str] = {}


class Unparsable(ValueError):
    """Text that is not the notation it should be."""

    def __init__(self, reason: str, line: int | None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


def line_at(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


_JSON = json.JSONDecoder(parse_constant=_no_constant)
_SPACE = re.compile(r"[ \t\n\r]*")


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


class _Lines:
    """Line numbers of growing offsets, each newline counted once."""

    def __init__(self, text: str, first_line: int) -> None:
        self._text, self._offset, self._line = text, 0, first_line

    def at(self, offset: int) -> int:
        self._line += self._text.count("\n", self._offset, offset)
        self._offset = max(self._offset, offset)
        return self._line


def _items(text: str, at: int, lines: _Lines) -> Iterator[tuple[Any, int]]:
    """The items of the array that opens at `at`, each with the offset after it; the last one is the bracket's."""
    at = _skip(text, at + 1)
    while not text.startswith("]", at):
        line = lines.at(at)
        value, end = _JSON.raw_decode(text, at)
        yield (Node(line, value) if isinstance(value, dict) else value), end
        at = _skip(text, end)
        if text.startswith(",", at):
            at = _skip(text, at + 1)
            if text.startswith("]", at):
                raise json.JSONDecodeError("Expecting value", text, at)
        elif not text.startswith("]", at):
            raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
    yield None, at + 1


def _array(text: str, at: int, lines: _Lines) -> tuple[list[Any], int]:
    found = list(_items(text, at, lines))
    return [value for value, _ in found[:-1]], found[-1][1]


def _object(text: str, at: int, lines: _Lines) -> tuple[Node, int]:
    node = Node(lines.at(at))
    at = _skip(text, at + 1)
    while not text.startswith("}", at):
        key, end = _JSON.raw_decode(text, at)
        at = _skip(text, end)
        if not isinstance(key, str) or not text.startswith(":", at):
            raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, at)
        at = _skip(text, at + 1)
        node[key], end = _array(text, at, lines) if text.startswith("[", at) else _JSON.raw_decode(text, at)
        at = _skip(text, end)
        if text.startswith(",", at):
            at = _skip(text, at + 1)
            if text.startswith("}", at):
                raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, at)
        elif not text.startswith("}", at):
            raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
    return node, at + 1


def parse_json(text: str, first_line: int = 1) -> Any:
    """One JSON value; the outer object and the objects in outer arrays are Nodes. Raises Unparsable.

    `first_line` is the number of the text's first line in its file.
    """
    lines = _Lines(text, first_line)
    try:
        start = _skip(text, 0)
        if text.startswith("{", start):
            value, end = _object(text, start, lines)
        elif text.startswith("[", start):
            value, end = _array(text, start, lines)
        else:
            value, end = _JSON.raw_decode(text, start)
        end = _skip(text, end)
        if end < len(text):
            raise json.JSONDecodeError("Extra data", text, end)
    except json.JSONDecodeError as error:
        raise Unparsable(f"it is not valid JSON ({error.msg})", error.lineno + first_line - 1) from None
    except RecursionError:
        raise Unparsable("it is nested too deeply", None) from None
    except ValueError as error:
        raise Unparsable(f"it is not valid JSON ({error})", None) from None
    return value


def _scalar(text: str, plain: bool, tag: str | None) -> Any:
    """YAML 1.2 core rules: `yes`, `007` and dates stay the text that was written."""
    if not plain or tag is not None:
        return text
    if text.lower() in _CONSTANTS and text in (text.lower(), text.title(), text.upper()):
        return _CONSTANTS[text.lower()]
    if _INT.match(text):
        digits = text.lstrip("+-")
        return text if len(digits) > 1 and digits.startswith("0") else int(text)
    if _FLOAT.match(text):
        number = float(text)
        return text if number in (float("inf"), float("-inf")) else number
    return text


class _Builder:
    """Values from YAML events, with its own stack: the library's recursion can end the process."""

    def __init__(self, first_line: int) -> None:
        self._first_line = first_line
        # Each value with what it expands to, in nodes and characters; a container open with what there was before it.
        self._anchors: dict[str, tuple[Any, int, int]] = {}
        self._stack: list[tuple[Any, str | None, list[Any], int, int]] = []
        self._nodes = 0
        self._characters = 0
        self._aliased = 0
        self.value: Any = None

    def feed(self, event: yaml.Event) -> None:
        line = int(event.start_mark.line) + self._first_line
        if isinstance(event, yaml.ScalarEvent):
            self._count(1, line)
            text = str(event.value)
            self._characters += len(text)
            value = _scalar(text, bool(event.implicit[0]), event.tag if event.tag != "!" else None)
            self._add(value, text if not isinstance(value, str) else None, event.anchor, 1, len(text))
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise Unparsable(f"the alias *{event.anchor} has no anchor before it", line)
            value, nodes, characters = self._anchors[event.anchor]
            self._count(nodes, line)
            self._characters += characters
            self._aliased += characters
            if self._aliased > MAX_ALIASED_CHARACTERS:
                raise Unparsable(f"its aliases expand to more than {MAX_ALIASED_CHARACTERS:,} characters", line)
            self._add(value, None, None, nodes, characters)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._count(1, line)
            if len(self._stack) >= MAX_DEPTH:
                raise Unparsable(f"it is nested deeper than {MAX_DEPTH} levels", line)
            container: Any = Node(line) if isinstance(event, yaml.MappingStartEvent) else list[Any]()
            self._stack.append((container, event.anchor, [], self._nodes, self._characters))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            container, anchor, _, nodes, characters = self._stack.pop()
            self._add(container, None, anchor, self._nodes - nodes + 1, self._characters - characters)

    def _count(self, nodes: int, line: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise Unparsable(f"its aliases expand to more than {MAX_NODES:,} values", line)

    def _add(self, value: Any, spelling: str | None, anchor: str | None, nodes: int, characters: int) -> None:
        if anchor:
            self._anchors[anchor] = (value, nodes, characters)
        if not self._stack:
            self.value = value
            return
        container, _, pending, *_ = self._stack[-1]
        if isinstance(container, list):
            cast("list[Any]", container).append(value)
        elif not pending:
            key = spelling if spelling is not None else value
            if not isinstance(key, str):
                raise Unparsable("a key is not a word", getattr(container, "line", None))
            pending.append(key)
        else:
            _put(container, pending.pop(), value, spelling)


def _put(node: Node, key: str, value: Any, spelling: str | None) -> None:
    if key == "<<" and isinstance(value, dict | list):
        for part in cast("list[Any]", value if isinstance(value, list) else [value]):
            if isinstance(part, dict):
                for inherited, its_value in cast("dict[str, Any]", part).items():
                    node.setdefault(inherited, its_value)
        return
    node[key] = value
    if spelling is not None:
        node.spelling[key] = spelling


def _events(text: str) -> Iterator[yaml.Event]:
    """The library's events, which its type stubs leave unknown."""
    return yaml.parse(text, Loader=_LOADER)  # pyright: ignore[reportUnknownVariableType,reportUnknownMemberType]


def parse_yaml(text: str, first_line: int = 1) -> Any:
    """One YAML document as JSON-like values; every mapping is a Node. Raises Unparsable."""
    builder = _Builder(first_line)
    documents = 0
    try:
        for event in _events(text):
            documents += isinstance(event, yaml.DocumentStartEvent)
            if documents > 1:
                raise Unparsable("it holds more than one YAML document", int(event.start_mark.line) + first_line)
            builder.feed(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = error.problem or error.context or "syntax error"
        raise Unparsable(f"it is not valid YAML ({reason})", mark.line + first_line if mark else None) from None
    except yaml.YAMLError as error:
        position = getattr(error, "position", None)
        line = line_at(text, position) + first_line - 1 if isinstance(position, int) else None
        raise Unparsable("it is not valid YAML (it holds a control character)", line) from None
    return builder.value
