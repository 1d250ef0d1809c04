"""A golden case as a person types it, and whether it can be one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from steelyard.domain.cases import CaseSource, Check, GoldenCase
from steelyard.domain.check_limits import refuse_large
from steelyard.domain.errors import CaseError, Conflict
from steelyard.skills.cases.model import MAX_CASE_CHARACTERS, MAX_CASE_ID
from steelyard.skills.text import unstorable
from steelyard.storage import cases

MAX_KEY = MAX_CASE_ID


@dataclass(frozen=True)
class CaseDraft:
    """A case as a person types it. Without a `key` it gets the next free one."""

    input: str
    expected: str = ""
    assertions: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    family: str | None = None
    case_set: str | None = None
    key: str | None = None
    files: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, case: GoldenCase) -> CaseDraft:
        """The draft that would make this very case."""
        return cls(
            input=case.input,
            expected=case.expected,
            assertions=case.assertions,
            checks=case.checks,
            family=case.family,
            case_set=case.case_set,
            key=case.case_id,
            files=case.files,
        )


def case_of(
    draft: CaseDraft, source: CaseSource, key: str, old: GoldenCase | None = None, *, complete: bool = True
) -> GoldenCase:
    """The checked case; one not `complete` yet may leave open what a good output is. Raises CaseError."""
    case = GoldenCase(
        case_id=key.strip(),
        input=draft.input,
        expected=draft.expected,
        assertions=tuple(text.strip() for text in draft.assertions if text.strip()),
        checks=draft.checks,
        files=draft.files,
        family=(draft.family or "").strip() or None,
        case_set=(draft.case_set or "").strip() or None,
        source=source,
        extra=old.extra if old else {},
    )
    if not case.case_id or len(case.case_id) > MAX_KEY:
        raise CaseError(f"A case's name has 1 to {MAX_KEY} characters.")
    if not case.input.strip():
        raise CaseError("The input is empty.", next_step="Write what is given to the model.")
    if complete:
        refuse_incomplete(case)
    texts = [case.case_id, case.input, case.expected, *case.assertions, case.family or "", case.case_set or ""]
    length = sum(map(len, texts)) + sum(len(path) + len(text) for path, text in case.files.items())
    if length > MAX_CASE_CHARACTERS:
        raise CaseError(f"The case has {length:,} characters; {MAX_CASE_CHARACTERS:,} are the most.")
    if reason := unstorable([*texts, dict(case.files), [check.to_json() for check in case.checks]]):
        raise CaseError(f"The case cannot be kept: {reason}.", next_step="Remove it.")
    refuse_large(case.checks)
    return case


def refuse_incomplete(case: GoldenCase) -> None:
    """Raises CaseError for a case that does not say what a good output is."""
    if not case.says_what_is_good:
        raise CaseError(
            "Nothing says what a good output is.", next_step="Write an expected output, an assertion, or a check."
        )


def same_case(one: GoldenCase, other: GoldenCase) -> bool:
    """Whether both have the same name and say the same."""
    return one.case_id == other.case_id and cases.row_digest(one) == cases.row_digest(other)


def refuse_double(case: GoldenCase, in_use: Mapping[str, str]) -> None:
    """`in_use` has the digest by key of the other cases. Raises Conflict."""
    if case.case_id in in_use:
        raise Conflict(f"Another golden case is named '{case.case_id}'.", next_step="Give this one another name.")
    digest = cases.row_digest(case)
    twin = next((key for key, known in in_use.items() if known == digest), None)
    if twin is not None:
        raise Conflict(f"The golden case '{twin}' is the same.", next_step="Change this one or leave it away.")


def free_key(used: set[str]) -> str:
    """The first of `case-1`, `case-2` and so on that is not used."""
    number = 1
    while f"case-{number}" in used:
        number += 1
    return f"case-{number}"
