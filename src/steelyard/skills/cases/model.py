"""What reading a file of cases gives, and the notebook its problems and losses are kept in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from steelyard.domain.cases import CaseSource, GoldenCase
from steelyard.domain.errors import CaseError
from steelyard.domain.skills import LintFinding

MAX_CASE_CHARACTERS = 5_000_000
MAX_CASE_ID = 200


class NotCases(CaseError):
    """A readable file in which there are no golden cases to be found."""


@dataclass(frozen=True)
class ParsedCases:
    """The cases of one file. `lossy` says what has no counterpart here; `extra` keeps unknown keys beside the list."""

    cases: tuple[GoldenCase, ...] = ()
    lossy: tuple[LintFinding, ...] = ()
    skill_name: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Notebook:
    """Problems and losses of one file while it is read; every problem is told at once, by `check`."""

    def __init__(self, name: str, files: Mapping[str, bytes], shown_as: str, source: CaseSource) -> None:
        self.name = name
        self.files = files
        self.shown_as = shown_as
        self.source = source
        self.lossy: list[LintFinding] = []
        self._problems: list[tuple[int | None, str]] = []

    def problem(self, line: int | None, message: str) -> None:
        self._problems.append((line, message))

    def lost(self, code: str, message: str, line: int | None = None, file: str | None = None) -> None:
        self.lossy.append(LintFinding("warning", code, message, file or self.shown_as, line))

    def refuse(self, message: str, line: int | None = None, next_step: str | None = None) -> CaseError:
        return CaseError(message, file=self.shown_as, line=line, next_step=next_step)

    def check(self) -> None:
        """Raise one CaseError that lists every problem, in the order of the file; nothing when there is none."""
        if not self._problems:
            return
        problems = sorted(self._problems, key=lambda problem: problem[0] or 0)
        line = problems[0][0]
        step = "Correct this and try again; nothing was called or paid for."
        if len(problems) == 1:
            raise CaseError(problems[0][1], file=self.shown_as, line=line, next_step=step)
        listed = "".join(f"\n  {f'line {at}: ' if at else ''}{message}" for at, message in problems)
        raise CaseError(
            f"{len(problems)} problems with the cases:{listed}\n",
            file=self.shown_as,
            line=line,
            next_step=step.replace("this", "these"),
        )
