"""SKILL.md as text: its YAML frontmatter, its body, and the files its body points to."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from steelyard.domain.errors import SkillError
from steelyard.skills.text import unstorable
from steelyard.skills.tree import Node, Unparsable, parse_yaml

_FENCE = re.compile(r"---[ \t]*\Z")
_PLAIN_VALUE = re.compile(r"([A-Za-z_][\w-]*):[ \t]+([^\s\"'|>\[{&*!#%@`-].*)\Z")
# Every repeat has a ceiling: a body is anybody's text, and must not cost more than its length.
_LINK = re.compile(
    r"\]\(\s{0,9}(?:<([^<>\n]{1,500})>|([^()\s]{1,500}(?:\([^()\s]{0,99}\)[^()\s]{0,99}){0,9}))(?:\s{1,9}[\"'(][^\n]{0,300}?)?\)"
)
_DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]+\]:[ \t]+<?(\S+?)>?(?:[ \t]+.*)?$", re.MULTILINE)
_TOKEN = re.compile(r"[\w${}.%/:@\\-]+")
_MENTION = re.compile(r"\.?/?(?:[\w${}.-]+/){0,20}[\w-][\w.-]*\.[A-Za-z0-9]{1,8}\Z")
_MAX_PATH = 300


@dataclass(frozen=True)
class Document:
    """A SKILL.md in parts. `body_line` is the line its body starts on; `keys` gives a line per frontmatter key.

    `repaired` is set when the YAML was broken by an unquoted colon and read all the same: (line, reason).
    """

    frontmatter: dict[str, Any]
    body: str
    body_line: int
    has_frontmatter: bool
    keys: dict[str, int]
    repaired: tuple[int, str] | None = None


@dataclass(frozen=True)
class Link:
    """A relative path the body points to; `explicit` is a Markdown link, else a path in running text."""

    path: str
    line: int
    explicit: bool


def split(text: str, file: str = "SKILL.md", *, frontmatter_expected: bool = True) -> Document:
    """Frontmatter and body of `text`.

    Raises SkillError naming file and line when the frontmatter is not closed, not YAML, or no mapping. With
    `frontmatter_expected` False an unclosed `---` is a line of the body.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    if not _FENCE.match(lines[0]):
        return Document({}, "\n".join(lines), 1, False, {})
    end = next((number for number, line in enumerate(lines[1:], 1) if _FENCE.match(line)), None)
    if end is None:
        if not frontmatter_expected:
            return Document({}, "\n".join(lines), 1, False, {})
        raise SkillError(
            "the frontmatter opens with --- and never closes.",
            file=file,
            line=1,
            next_step="Put a line of --- after its last key.",
        )
    repaired: tuple[int, str] | None = None
    source = lines[1:end]
    try:
        value = parse_yaml("\n".join(source), first_line=2)
    except Unparsable as error:
        try:
            value = parse_yaml("\n".join(_quoted(line) for line in source), first_line=2)
        except Unparsable:
            raise SkillError(
                f"the frontmatter cannot be read: {error.reason}.",
                file=file,
                line=error.line or 2,
                next_step="Correct that line; a value with a colon in it, or a special character first, needs quotes.",
            ) from None
        repaired = (error.line or 2, error.reason)
    if value is None:
        value = Node(2)
    if not isinstance(value, dict):
        raise SkillError(
            "the frontmatter is not a list of keys and values.",
            file=file,
            line=2,
            next_step="Write name: … and description: … between the two --- lines.",
        )
    data: dict[str, Any] = {**value}
    if reason := unstorable(data):
        raise SkillError(f"the frontmatter cannot be kept: {reason}.", file=file, line=2, next_step="Remove it.")
    return Document(data, "\n".join(lines[end + 1 :]), end + 2, True, _key_lines(source), repaired)


def _quoted(line: str) -> str:
    """The line with its plain value in quotes: `description: Use when: x` is the usual way to break the YAML."""
    found = _PLAIN_VALUE.match(line)
    if not found or (": " not in found[2] and not found[2].endswith(":")):
        return line
    return f"{found[1]}: '{found[2].strip().replace(chr(39), chr(39) * 2)}'"


def _key_lines(source: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for number, line in enumerate(source, 2):
        if match := re.match(r"[\"']?([\w-]+)[\"']?:", line):
            found.setdefault(match[1], number)
    return found


def links(body: str, first_line: int = 1) -> tuple[Link, ...]:
    """Every relative path the body names, in order of first mention: Markdown links, then paths in text or backticks.

    Addresses (`https:`), anchors and absolute paths are left out; `%20` and `#section` are resolved.
    """
    found: dict[str, Link] = {}
    here, line = 0, first_line
    for offset, raw, explicit in sorted(_raw_links(body)):
        path = _relative(raw)
        if path and (path not in found or (explicit and not found[path].explicit)):
            # From the last one on: a body of links alone would be counted as often as it has some.
            line += body.count("\n", here, offset)
            here = offset
            found[path] = Link(path, found[path].line if path in found else line, explicit)
    return tuple(found.values())


def _raw_links(body: str) -> Iterator[tuple[int, str, bool]]:
    taken: list[range] = []
    for match in (*_LINK.finditer(body), *_DEFINITION.finditer(body)):
        taken.append(range(match.start(), match.end()))
        yield match.start(), next(group for group in match.groups() if group), True
    taken.sort(key=lambda span: span.start)
    place = 0
    for match in _TOKEN.finditer(body):
        while place < len(taken) and taken[place].stop <= match.start():
            place += 1
        if place < len(taken) and taken[place].start < match.end():
            continue
        token = match[0].rstrip(".:")
        quoted = body[match.start() - 1 : match.start()] == "`"
        if len(token) <= _MAX_PATH and (quoted or "/" in token) and _MENTION.match(token):
            yield match.start(), token, False


def _relative(raw: str) -> str | None:
    path = unquote(raw.split("#", 1)[0].split("?", 1)[0])
    if not path or re.match(r"[A-Za-z][\w+.-]*:|//|/|~", path) or "\x00" in path:
        return None
    path = re.sub(r"^(\$?\{\w+\}|\$\w+)/", "", path)
    path = posixpath.normpath(path)
    return None if path.startswith("..") or path == "." else path


def resolve(path: str, files: Collection[str], folder_name: str | None = None) -> str | None:
    """The file of the skill that a link means; a path may also start with the skill's own folder name."""
    if path in files:
        return path
    inside = path.removeprefix(f"{folder_name}/")
    return inside if inside in files else None
