"""Cases from a CSV file: one row, one case."""

from __future__ import annotations

import csv
import io
import json
from typing import Any, cast

from steelyard.skills.cases.fields import EXPECTED_KEYS, ID_KEYS, INPUT_KEYS, SENTENCE_KEYS
from steelyard.skills.tree import Node, Unparsable

_LISTS = frozenset({*SENTENCE_KEYS, "checks", "files", "tags"})
_KNOWN = frozenset({*ID_KEYS, *INPUT_KEYS, *EXPECTED_KEYS, *_LISTS, "family", "case_set"})
_MAX_FIELD = 5_000_000


def has_case_header(line: str) -> bool:
    """Whether a line names an input column of cases."""
    return any(key in INPUT_KEYS for key in _header(line)[1])


def _header(line: str) -> tuple[str, list[str]]:
    """(delimiter, column names) of a header: the delimiter that gives most known columns."""
    best = (",", list[str]())
    for delimiter in (",", ";", "\t"):
        names = [name.strip().strip('"').lower() for name in line.split(delimiter)]
        if sum(name in _KNOWN for name in names) > sum(name in _KNOWN for name in best[1]):
            best = (delimiter, names)
    return best


def parse_csv(text: str) -> list[Node]:
    """A Node per row under the header's names in lower case; empty cells are left out. Raises Unparsable.

    A cell of a list column (assertions, checks, files, tags) is a JSON array, or one entry per line.
    """
    text = text.lstrip("\r\n")
    delimiter, names = _header(text.split("\n", 1)[0].rstrip("\r"))
    if not any(name in INPUT_KEYS for name in names):
        raise Unparsable(f"no column is named {' or '.join(INPUT_KEYS[:2])}", 1)
    before = csv.field_size_limit(_MAX_FIELD)
    rows: list[Node] = []
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        line = 1
        for number, cells in enumerate(reader):
            if number and any(cell.strip() for cell in cells):
                if len(cells) > len(names):
                    raise Unparsable(
                        f"the row has {len(cells)} cells for {len(names)} columns: quote a cell with {delimiter!r}",
                        line,
                    )
                pairs = zip(names, cells, strict=False)
                rows.append(Node(line, {name: _cell(name, cell) for name, cell in pairs if name and cell.strip()}))
            line = reader.line_num + 1
    except csv.Error as error:
        raise Unparsable(f"it is not valid CSV ({error})", None) from None
    finally:
        csv.field_size_limit(before)
    return rows


def _cell(name: str, cell: str) -> Any:
    if name not in _LISTS:
        return cell
    if cell.strip().startswith(("[", "{")):
        try:
            value: Any = json.loads(cell)
        except (ValueError, RecursionError):
            value = None
        if value is not None:
            return cast("list[Any]", value) if isinstance(value, list) else [value]
    return [line.strip().removeprefix("- ").strip() for line in cell.splitlines() if line.strip()]
