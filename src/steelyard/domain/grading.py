"""What graders say of one output: checks, judgements, and the grade put together from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from steelyard.domain.calls import Usage


@dataclass(frozen=True)
class CheckResult:
    """One deterministic check: whether it held, and one sentence of evidence."""

    check: dict[str, Any]
    passed: bool
    evidence: str

    def to_json(self) -> dict[str, Any]:
        return {"check": self.check, "passed": self.passed, "evidence": self.evidence}


@dataclass(frozen=True)
class CriterionLevel:
    """The judge's level 0-5 for one criterion; `quote_found` is False when the quote is not in the output."""

    criterion: str
    evidence: str
    finding: str
    level: int
    quote_found: bool


@dataclass(frozen=True)
class Judgement:
    """One judge's grading of one output; `quality` 0-100 is computed by code from the levels.

    `usage` is of all its calls; `usage_known` is False when they may have used more.
    """

    judge: str
    judge_digest: str
    quality: float
    criteria: tuple[CriterionLevel, ...]
    differences_from_expected: str
    matches_expected: str
    notes: str
    flags: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    usage_known: bool = True
    calls: int = 1


@dataclass(frozen=True)
class Grade:
    """The grade of one cell. `quality` and `passed` are None when a judge was needed and failed."""

    quality: float | None
    passed: bool | None
    matches_expected: bool | None
    notes: str
    checks: tuple[CheckResult, ...] = ()
    judgement: Judgement | None = None
