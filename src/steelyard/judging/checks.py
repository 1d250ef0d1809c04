"""Deterministic graders. None of them raises on any output; each says in one sentence what it saw."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, InvalidOperation
from typing import Any, cast

import regex

from steelyard.domain.cases import Check, CheckKind, GoldenCase
from steelyard.domain.errors import CaseError
from steelyard.domain.grading import CheckResult, Grade
from steelyard.judging.jsontext import find_json, kind_of, same_json
from steelyard.judging.schemas import TooMuchWork, UnusableSchema, check_schema, misfit

REGEX_TIMEOUT_S = 1.0
_SHOWN = 80
# Digits that touch a letter before them belong to a name; a unit after them does not make them less of a number. An
# ordinal is read with its ending, to be left out: nothing within it is begun anew, however long it is.
_NUMBER = re.compile(
    r"(?<![^\W_])(?<![^\W_]_)(?<!\.)[-+\u2212]?"
    r"(?>(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+)"
    r"(?>(?:[eE][-+]?[0-9]{1,3}(?![0-9]))?)(?P<ordinal>(?:st|nd|rd|th)\b)?"
)
# Of a million digits the exponent alone is more than the usual context takes.
_WIDE = Context(Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
_BAD_PATTERN = (regex.error, RecursionError, OverflowError)

_Seen = tuple[bool, str]


def run_checks(checks: Iterable[Check], output: str) -> tuple[CheckResult, ...]:
    """Every check against the output, in order."""
    return tuple(run_check(check, output) for check in checks)


def run_check(check: Check, output: str) -> CheckResult:
    """One check against the output."""
    passed, evidence = _GRADERS[check.kind](check, output)
    return CheckResult(check.to_json(), passed, evidence)


def could_not(why: str) -> str:
    """What is said of a check that was not carried out, and counts as one that does not hold."""
    return f"It could not be checked: {why}."


def validate_check(check: Check) -> None:
    """Raises CaseError when the check itself cannot be used: a bad pattern, schema or number.

    How long that takes is for whoever wrote the check to say: where others wait, see `execution/apart.py`.
    """
    match check.kind:
        case CheckKind.REGEX | CheckKind.NOT_REGEX:
            try:
                regex.compile(str(check.value))
            except _BAD_PATTERN as error:
                raise CaseError(f"The pattern {_quoted(str(check.value))} cannot be used: {error}.") from error
        case CheckKind.JSON_SCHEMA:
            try:
                check_schema(check.value)
            except UnusableSchema as error:
                raise CaseError(f"The JSON schema of a check cannot be used: {_quoted(str(error))}.") from error
        case CheckKind.NUMBER:
            if _decimal(check.value) is None:
                raise CaseError(f"A number check needs a number, not {_quoted(str(check.value))}.")
        case CheckKind.EXACT | CheckKind.CONTAINS | CheckKind.NOT_CONTAINS:
            if not isinstance(check.value, str):
                raise CaseError(f"A check of type {check.kind.value} needs a text, not {check.value!r}.")
        case CheckKind.JSON_EQUAL:
            return


def grade_by_checks(case: GoldenCase, results: Sequence[CheckResult], *, threshold: float) -> Grade:
    """The grade of a case without a judge, by what came of its checks.

    Quality is 100 x the share of checks that hold, and the case passes when all do. A case that needs a judge has no
    quality: its checks are run and shown, but say too little.
    """
    results = tuple(results)
    if case.needs_judge:
        return Grade(None, None, None, "This case needs a judge, and the run has none.", results)
    held = sum(result.passed for result in results)
    passed = held == len(results)
    return Grade(
        quality=100.0 * held / len(results),
        passed=passed,
        matches_expected=passed,
        notes=f"{held} of {len(results)} checks hold.",
        checks=results,
    )


def _fold(text: str, check: Check) -> str:
    return text.casefold() if check.ignore_case else text


def _exact(check: Check, output: str) -> _Seen:
    passed = _fold(output.strip(), check) == _fold(str(check.value).strip(), check)
    return passed, "The output is the expected text." if passed else f"The output is {_quoted(output)}."


def _contains(check: Check, output: str) -> _Seen:
    passed = _fold(str(check.value), check) in _fold(output, check)
    return passed, f"{_quoted(str(check.value))} is {'' if passed else 'not '}in the output."


def _not_contains(check: Check, output: str) -> _Seen:
    found, evidence = _contains(check, output)
    return not found, evidence


def _search(check: Check, output: str) -> tuple[bool | None, str]:
    flags = regex.IGNORECASE if check.ignore_case else 0
    try:
        found = regex.search(str(check.value), output, flags, timeout=REGEX_TIMEOUT_S)
    except TimeoutError:
        return None, could_not(f"the pattern took longer than {REGEX_TIMEOUT_S:g} s on this output")
    except _BAD_PATTERN as error:
        return None, f"The pattern cannot be used: {error}."
    return found is not None, f"The pattern matches {_quoted(found[0])}." if found else "The pattern matches nowhere."


def _regex(check: Check, output: str) -> _Seen:
    found, evidence = _search(check, output)
    return found is True, evidence


def _not_regex(check: Check, output: str) -> _Seen:
    found, evidence = _search(check, output)
    return found is False, evidence


def _json_equal(check: Check, output: str) -> _Seen:
    found, value = find_json(output, kind_of(check.value))
    if not found:
        return False, "The output holds no JSON."
    passed = same_json(value, check.value)
    return passed, "The JSON is the expected one." if passed else f"The JSON is {_quoted(_dumped(value))}."


def _json_schema(check: Check, output: str) -> _Seen:
    asked = _declared_type(check.value)
    found, value = find_json(output, asked if asked in ("object", "array") else None)
    if not found:
        return False, "The output holds no JSON."
    try:
        problem = misfit(check.value, value, timeout_s=REGEX_TIMEOUT_S)
    except TooMuchWork as error:
        return False, could_not(str(error))
    except UnusableSchema as error:
        return False, f"The schema cannot be used: {_quoted(str(error))}."
    if problem is None:
        return True, "The JSON fits the schema."
    return False, f"The JSON does not fit the schema: {_quoted(problem)}."


def _declared_type(schema: object) -> Any:
    return cast("Mapping[str, Any]", schema).get("type") if isinstance(schema, Mapping) else None


def _number(check: Check, output: str) -> _Seen:
    expected, tolerance = _decimal(check.value), _decimal(check.tolerance)
    if expected is None or tolerance is None:
        return False, f"The check cannot be used: {_quoted(str(check.value))} is not a number."
    numbers = numbers_in(output)
    if not numbers:
        return False, "The output holds no number."
    last = numbers[-1]
    which = "number" if len(numbers) == 1 else "last number"
    within = f" within {check.tolerance:g}" if check.tolerance else ""
    near = _WIDE.abs(_WIDE.subtract(last, expected)) <= tolerance
    return near, f"The {which} is {_spelled(last)}; expected {_spelled(expected)}{within}."


_GRADERS: dict[CheckKind, Callable[[Check, str], _Seen]] = {
    CheckKind.EXACT: _exact,
    CheckKind.CONTAINS: _contains,
    CheckKind.NOT_CONTAINS: _not_contains,
    CheckKind.REGEX: _regex,
    CheckKind.NOT_REGEX: _not_regex,
    CheckKind.JSON_EQUAL: _json_equal,
    CheckKind.JSON_SCHEMA: _json_schema,
    CheckKind.NUMBER: _number,
}


def numbers_in(text: str) -> list[Decimal]:
    """The numbers written in a text, thousands separated by commas included; none inside names, no ordinals."""
    found = (match[0] for match in _NUMBER.finditer(text) if match["ordinal"] is None)
    return [Decimal(number.replace(",", "").replace("\u2212", "-")) for number in found]


def _decimal(value: Any) -> Decimal | None:
    """The number as it is written, so that 1.1 is within 0.1 of 1.0; None for anything else and for the infinite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = Decimal(value) if isinstance(value, int) else Decimal(repr(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _spelled(number: Decimal) -> str:
    written = f"{number:f}" if number.adjusted() in range(-7, 16) else ""
    return written if 0 < len(written) <= _SHOWN else f"{number:.6e}"


def _dumped(value: Any) -> str:
    try:
        return json.dumps(value)
    except (ValueError, RecursionError):
        return "too deep to show"


def _quoted(text: str) -> str:
    flat = " ".join(text.split())
    return f"“{flat[:_SHOWN]}…”" if len(flat) > _SHOWN else f"“{flat}”"
