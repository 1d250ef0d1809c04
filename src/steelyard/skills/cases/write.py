"""Golden cases as evals.json: exact in what is written, and nothing lost that was read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

from steelyard.domain.cases import GoldenCase
from steelyard.skills.cases.fields import EXPECTED_KEYS, INPUT_KEYS, SENTENCE_KEYS, take_assertions

_OURS = frozenset({"id", INPUT_KEYS[0], EXPECTED_KEYS[0], "checks", "files", "family", "case_set", *SENTENCE_KEYS})


def write_evals_json(cases: Iterable[GoldenCase], skill_name: str, extra: Mapping[str, Any] | None = None) -> bytes:
    """The bytes of an evals.json; `parse_cases` gives the same cases back when it finds the same files.

    `extra`: unknown keys to write beside the list of cases.
    """
    document: dict[str, Any] = {"skill_name": skill_name}
    document |= {key: value for key, value in (extra or {}).items() if key not in ("skill_name", "evals")}
    document["evals"] = [_case(case) for case in cases]
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def _case(case: GoldenCase) -> dict[str, Any]:
    number = case.case_id.isascii() and case.case_id.isdigit() and len(case.case_id) < 16
    plain_number = number and str(int(case.case_id)) == case.case_id
    data: dict[str, Any] = {
        "id": int(case.case_id) if plain_number else case.case_id,
        INPUT_KEYS[0]: case.input,
        EXPECTED_KEYS[0]: case.expected,
    }
    kept: list[Any] = list(case.extra.get("files", ()))
    inline = {cast("dict[str, Any]", entry).get("path") for entry in kept if isinstance(entry, dict)}
    files = [path for path in case.files if path not in inline] + kept
    if files:
        data["files"] = files
    data |= _assertions(case)
    if case.family is not None:
        data["family"] = case.family
    if case.case_set is not None:
        data["case_set"] = case.case_set
    data |= {key: value for key, value in case.extra.items() if key not in _OURS}
    return data


def _assertions(case: GoldenCase) -> dict[str, Any]:
    """The original keys while they still say what the case says, else the case's own."""
    originals = {key: case.extra[key] for key in SENTENCE_KEYS if key in case.extra}
    if originals:
        sentences, checks = take_assertions(dict(originals))
        if sentences == case.assertions and checks == case.checks[: len(checks)]:
            rest = case.checks[len(checks) :]
            return originals | ({"checks": [check.to_json() for check in rest]} if rest else {})
    written: dict[str, Any] = {"assertions": list(case.assertions)} if case.assertions else {}
    if case.checks:
        written["checks"] = [check.to_json() for check in case.checks]
    return written
