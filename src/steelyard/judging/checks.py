"""Deterministic graders. None of them raises on any output; each says in one sentence what it saw."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import regex

from steelyard.domain.cases import Check, CheckKind, GoldenCase
from steelyard.domain.errors import CaseError
from steelyard.domain.grading import CheckResult, Grade

REGEX_TIMEOUT_S = 1.0
_SHOWN = 80
_DIGITS = r"(?:(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+)"
_NUMBER = re.compile(rf"(?<![\w.])[-+\u2212]?{_DIGITS}(?:[eE][-+]?[0-9]{{1,3}})?(?!\w)")

_Seen = tuple[bool, str]


def run_checks(checks: Iterable[Check], output: str) -> tuple[CheckResult, ...]:
    """Every check against the output, in order."""
    return tuple(run_check(check, output) for check in checks)


def run_check(check: Check, output: str) -> CheckResult:
    """One check against the output."""
    passed, evidence = _GRADERS[check.kind](check, output)
    return CheckResult(check.to_json(), passed, evidence)


def validate_check(check: Check) -> None:
    """Raises CaseError when the check itself cannot be used: a bad pattern, schema or number."""
    match check.kind:
        case CheckKind.REGEX | CheckKind.NOT_REGEX:
            try:
                regex.compile(str(check.value))
            except regex.error as error:
                raise CaseError(f"The pattern {check.value!r} cannot be used: {error}.") from error
        case CheckKind.JSON_SCHEMA:
            _validate_schema(check.value)
        case CheckKind.NUMBER:
            if isinstance(check.value, bool) or not isinstance(check.value, int | float):
                raise CaseError(f"A number check needs a number, not {check.value!r}.")
        case CheckKind.EXACT | CheckKind.CONTAINS | CheckKind.NOT_CONTAINS:
            if not isinstance(check.value, str):
                raise CaseError(f"A check of type {check.kind.value} needs a text, not {check.value!r}.")
        case CheckKind.JSON_EQUAL:
            return


def grade_by_checks(case: GoldenCase, output: str, *, threshold: float) -> Grade:
    """The grade of a case without a judge.

    Quality is 100 x the share of checks that hold, and the case passes when all do. A case that needs a judge has no
    quality: its checks are run and shown, but say too little.
    """
    results = run_checks(case.checks, output)
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
        return None, f"The pattern took longer than {REGEX_TIMEOUT_S:.0f} s on this output."
    except regex.error as error:
        return None, f"The pattern cannot be used: {error}."
    return found is not None, f"The pattern matches {_quoted(found[0])}." if found else "The pattern matches nowhere."


def _regex(check: Check, output: str) -> _Seen:
    found, evidence = _search(check, output)
    return found is True, evidence


def _not_regex(check: Check, output: str) -> _Seen:
    found, evidence = _search(check, output)
    return found is False, evidence


def _json_equal(check: Check, output: str) -> _Seen:
    found, value = first_json(output)
    if not found:
        return False, "The output holds no JSON."
    passed = _same_json(value, check.value)
    return passed, "The JSON is the expected one." if passed else f"The JSON is {_quoted(_dumped(value))}."


def _json_schema(check: Check, output: str) -> _Seen:
    found, value = first_json(output)
    if not found:
        return False, "The output holds no JSON."
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError, ValidationError
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    try:
        # An empty registry: no reference is ever fetched.
        validator = cast(Any, Draft202012Validator)(check.value, registry=Registry[Any]())
        problem: ValidationError | None = next(iter(validator.iter_errors(value)), None)
    except (SchemaError, ValidationError, Unresolvable, RecursionError, TypeError, ValueError, re.error) as error:
        return False, f"The schema cannot be used: {_quoted(str(error))}."
    if problem is None:
        return True, "The JSON fits the schema."
    where = "/".join(str(part) for part in problem.absolute_path)
    return False, f"The JSON does not fit the schema{f' at {where}' if where else ''}: {_quoted(problem.message)}."


def _number(check: Check, output: str) -> _Seen:
    numbers = numbers_in(output)
    if not numbers:
        return False, "The output holds no number."
    last = numbers[-1]
    passed = abs(last - float(check.value)) <= check.tolerance
    which = "number" if len(numbers) == 1 else "last number"
    within = f" within {check.tolerance:g}" if check.tolerance else ""
    return passed, f"The {which} is {last:g}; expected {float(check.value):g}{within}."


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


def numbers_in(text: str) -> list[float]:
    """The numbers written in a text, thousands separated by commas included; none inside words."""
    return [float(match[0].replace(",", "").replace("\u2212", "-")) for match in _NUMBER.finditer(text)]


def first_json(text: str) -> tuple[bool, Any]:
    """(whether there is any, the value): the whole text, a fenced block, or the first object or array in the text."""
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    stripped = text.strip()
    fenced = re.search(r"```(?:json|JSON)?\s*\n(.*?)```", stripped, re.S)
    for candidate in (stripped, fenced[1].strip() if fenced else None):
        if candidate is not None:
            try:
                return True, decoder.decode(candidate)
            except (ValueError, RecursionError):
                continue
    for start in _starts(stripped):
        try:
            return True, decoder.raw_decode(stripped, start)[0]
        except (ValueError, RecursionError):
            continue
    return False, None


def _starts(text: str, most: int = 50) -> Sequence[int]:
    """Where an object or array may begin; bounded, as each try may read to the end."""
    return [match.start() for _, match in zip(range(most), re.finditer(r"[{\[]", text), strict=False)]


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _same_json(one: Any, other: Any) -> bool:
    """Equality as JSON has it: 1 is 1.0, true is not 1, keys in any order."""
    match one, other:
        case bool(), _:
            return one is other
        case _, bool():
            return False
        case dict(), dict():
            mine, theirs = cast(dict[str, Any], one), cast(dict[str, Any], other)
            return mine.keys() == theirs.keys() and all(_same_json(mine[key], theirs[key]) for key in mine)
        case list(), list():
            items, others = cast(list[Any], one), cast(list[Any], other)
            return len(items) == len(others) and all(map(_same_json, items, others))
        case _:
            return bool(one == other)


def _validate_schema(schema: Any) -> None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except (SchemaError, RecursionError) as error:
        raise CaseError(f"The JSON schema of a check cannot be used: {str(error).splitlines()[0]}.") from error


def _dumped(value: Any) -> str:
    try:
        return json.dumps(value)
    except (ValueError, RecursionError):
        return "too deep to show"


def _quoted(text: str) -> str:
    flat = " ".join(text.split())
    return f"“{flat[:_SHOWN]}…”" if len(flat) > _SHOWN else f"“{flat}”"
