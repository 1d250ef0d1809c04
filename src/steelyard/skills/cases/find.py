"""Where a skill folder keeps its golden cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from steelyard.domain.skills import LintFinding
from steelyard.skills.cases.triggers import is_trigger_file
from steelyard.skills.digest import RESULT_FILES, has_waza_spec

SUFFIXES = (".json", ".jsonl", ".yaml", ".yml", ".csv")
_PROMPTFOO = ("promptfooconfig.yaml", "promptfooconfig.yml", "promptfooconfig.json")


@dataclass(frozen=True)
class CaseFiles:
    """The case files of a folder, as relative paths. `certain` is False when only their place says what they are."""

    paths: tuple[str, ...]
    certain: bool
    findings: tuple[LintFinding, ...]


def find_case_files(paths: Iterable[str], files: Mapping[str, bytes]) -> CaseFiles:
    """evals/evals.* first, then evals.* beside SKILL.md, a waza suite, promptfoo; else every data file in evals/.

    Of several candidates one is read and the others are named in the findings, as are trigger sets.
    """
    there = sorted(paths)
    findings = [
        LintFinding("warning", "trigger-set", "It is a trigger set: kept, and its prompts are no cases.", path)
        for path in there
        if is_trigger_file(path) and path.count("/") == path.startswith("evals/")
    ]
    known = [f"{folder}evals{suffix}" for folder in ("evals/", "") for suffix in SUFFIXES]
    waza = ["eval.yaml", "eval.yml"] if has_waza_spec(there, files) else []
    known += [*waza, "evals/eval.yaml", "evals/eval.yml"]
    known += [f"{folder}{name}" for folder in ("", "evals/") for name in _PROMPTFOO]
    found = [path for path in known if path in there]
    if found:
        for path in found[1:]:
            message = f"It is not read, since {found[0]} holds the cases; merge them to use both."
            findings.append(LintFinding("warning", "cases-not-read", message, path))
        return CaseFiles((found[0],), True, tuple(findings))
    others = tuple(path for path in there if _may_hold_cases(path))
    return CaseFiles(others, False, tuple(findings))


def _may_hold_cases(path: str) -> bool:
    name = PurePosixPath(path).name
    inside = path.startswith("evals/") and path.count("/") == 1
    return inside and name.endswith(SUFFIXES) and name not in RESULT_FILES and not is_trigger_file(path)
