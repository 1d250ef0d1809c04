"""The golden cases of a whole folder, wherever its files are: on disk or in an upload."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from steelyard.domain.cases import GoldenCase
from steelyard.domain.errors import CaseError
from steelyard.domain.skills import LintFinding
from steelyard.skills.cases.find import find_case_files
from steelyard.skills.cases.model import MAX_CASE_ID, NotCases
from steelyard.skills.cases.patience import be_patient
from steelyard.skills.cases.read import parse_cases


@dataclass(frozen=True)
class GatheredCases:
    """The cases of a folder and what of them was lossy; `has_case_file` tells no cases from nothing said of cases."""

    cases: tuple[GoldenCase, ...]
    findings: tuple[LintFinding, ...]
    has_case_file: bool


def gather_cases(
    keys: Iterable[str],
    files: Mapping[str, bytes],
    *,
    read: Callable[[str], bytes],
    shown_as: Callable[[str], str],
) -> GatheredCases:
    """The golden cases of a folder with the files `keys`.

    `files` resolves what cases refer to; `read` gives a case file's bytes, `shown_as` its name for a person. Raises
    CaseError.
    """
    be_patient()
    found = find_case_files(keys, files)
    cases: list[GoldenCase] = []
    findings = list(found.findings)
    has_case_file = False
    for key in found.paths:
        data = read(key)
        try:
            parsed = parse_cases(key, data, files, shown_as=shown_as(key))
        except NotCases as error:
            if found.certain and data.strip():
                raise
            findings.append(LintFinding("warning", "no-cases", f"It is not read: {error.message}", key))
            continue
        # Files of one folder may each count from 1.
        stem = f"{PurePosixPath(key).stem}/" if len(found.paths) > 1 else ""
        named = [replace(case, case_id=stem + case.case_id) for case in parsed.cases]
        _refuse_long_names(named, shown_as(key))
        cases += named
        findings += parsed.lossy
        has_case_file |= bool(parsed.cases) or all(finding.code != "trigger-set" for finding in parsed.lossy)
    return GatheredCases(tuple(cases), tuple(findings), has_case_file)


def _refuse_long_names(cases: Iterable[GoldenCase], file: str) -> None:
    long = next((case.case_id for case in cases if len(case.case_id) > MAX_CASE_ID), None)
    if long is not None:
        raise CaseError(
            f"the case '{long[:40]}…' has a name of {len(long):,} characters, with its file's; {MAX_CASE_ID} are the"
            " most.",
            file=file,
            next_step="Shorten the file's name, or give the case a shorter id.",
        )
