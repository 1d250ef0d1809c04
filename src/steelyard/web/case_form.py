"""The form of a golden case: what was typed, and the draft it makes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import FormData

from steelyard.domain.cases import Check, CheckKind
from steelyard.domain.errors import CaseError
from steelyard.services.case_text import CaseDraft
from steelyard.skills.cases.checks import make_check
from steelyard.web.forms import text, texts

SPARE_ROWS = 2
MAX_CHECKS = 100
KINDS: tuple[tuple[str, str], ...] = (
    ("contains", "contains"),
    ("not_contains", "does not contain"),
    ("exact", "is exactly"),
    ("regex", "matches the pattern"),
    ("not_regex", "does not match the pattern"),
    ("number", "is the number"),
    ("json_equal", "is JSON equal to"),
    ("json_schema", "is JSON of the schema"),
)
_NOT_TEXT = (CheckKind.JSON_EQUAL, CheckKind.JSON_SCHEMA)


@dataclass(frozen=True)
class TypedCheck:
    """One row of checks. A row without a value is no check."""

    kind: str = "contains"
    value: str = ""
    tolerance: str = ""
    ignore_case: bool = False


@dataclass(frozen=True)
class TypedCase:
    """The form's fields; `assertions` has one a line."""

    key: str = ""
    input: str = ""
    expected: str = ""
    assertions: str = ""
    family: str = ""
    case_set: str = ""
    author: str = ""
    why: str = ""
    checks: tuple[TypedCheck, ...] = ()

    @classmethod
    def of(cls, draft: CaseDraft) -> TypedCase:
        """The form with that draft in it."""
        return cls(
            key=draft.key or "",
            input=draft.input,
            expected=draft.expected,
            assertions="\n".join(" ".join(line.split()) for line in draft.assertions),
            family=draft.family or "",
            case_set=draft.case_set or "",
            checks=tuple(map(_typed, draft.checks)),
        )

    @classmethod
    def read(cls, form: FormData) -> TypedCase:
        """What was sent."""
        kinds, values, tolerances = (texts(form, f"check_{name}") for name in ("kind", "value", "tolerance"))
        ignoring = set(texts(form, "check_ignore_case"))
        rows = [
            TypedCheck(kind, _at(values, place), _at(tolerances, place), str(place) in ignoring)
            for place, kind in enumerate(kinds[:MAX_CHECKS])
        ]
        names = ("key", "input", "expected", "assertions", "family", "case_set", "author", "why")
        return cls(**{name: text(form, name) for name in names}, checks=tuple(row for row in rows if row.value))

    @property
    def rows(self) -> tuple[TypedCheck, ...]:
        """The rows of checks to be shown, some of them empty."""
        return (*self.checks, *(TypedCheck() for _ in range(SPARE_ROWS)))

    def draft(self, files: Mapping[str, str] | None = None) -> CaseDraft:
        """Raises CaseError, with the number of the check that cannot be used."""
        return CaseDraft(
            input=self.input,
            expected=self.expected,
            assertions=tuple(self.assertions.split("\n")),
            checks=tuple(_check(row, number) for number, row in enumerate(self.checks, 1)),
            family=self.family or None,
            case_set=self.case_set or None,
            key=self.key.strip() or None,
            files=files or {},
        )


@dataclass(frozen=True)
class FormPage:
    """A form of a case: where it is sent, its title, and its buttons as (what is done, label).

    `now`: of a case that is out of use, the address of what it has become. `seen` is the status the case or example of
    the form has, `overturns` the decision on it that another one would undo, in words.
    """

    title: str
    action: str
    buttons: tuple[tuple[str, str], ...]
    note: str = ""
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    now: str | None = None
    seen: str = ""
    overturns: str = ""


def check_words(check: Check) -> tuple[str, str]:
    """What a check asks of the output, and of what: ("contains", "42 g")."""
    value = check.value if isinstance(check.value, str) else json.dumps(check.value, ensure_ascii=False)
    words = dict(KINDS)[check.kind.value]
    if check.tolerance:
        value = f"{value} ± {check.tolerance:g}"
    return words, value + (" (whatever the case)" if check.ignore_case else "")


def _typed(check: Check) -> TypedCheck:
    value = (
        check.value
        if isinstance(check.value, str) and check.kind not in _NOT_TEXT
        else json.dumps(check.value, ensure_ascii=False, indent=None)
    )
    return TypedCheck(check.kind.value, value, f"{check.tolerance:g}" if check.tolerance else "", check.ignore_case)


def _check(row: TypedCheck, number: int) -> Check:
    try:
        kind = CheckKind(row.kind)
        return make_check(
            kind,
            _value(kind, row.value),
            ignore_case=row.ignore_case,
            tolerance=row.tolerance.strip() or 0.0,
            look=False,
        )
    except (ValueError, RecursionError) as error:
        said = "its value is not JSON" if isinstance(error, json.JSONDecodeError) else str(error)
        raise CaseError(
            f"Check {number} cannot be used: {said or 'its kind is not known'}.",
            field="checks",
            next_step="Correct it, or empty its value to leave it out.",
        ) from None


def _value(kind: CheckKind, typed: str) -> Any:
    """Raises ValueError where JSON is needed and it is none."""
    if kind is CheckKind.JSON_EQUAL:
        return json.loads(typed)
    if kind is CheckKind.NUMBER:
        # So that 3 stays 3: a case with 3.0 in its place would be another case.
        with contextlib.suppress(ValueError):
            return json.loads(typed)
    return typed


def _at(values: Sequence[str], place: int) -> str:
    return values[place].replace("\r\n", "\n").replace("\x00", "") if place < len(values) else ""
