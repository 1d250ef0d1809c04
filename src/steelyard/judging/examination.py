"""What a judge's grades of canaries come to: passed, failed by name, or not finished. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from steelyard.domain.cases import GoldenCase
from steelyard.judging.canaries import CANARIES_VERSION, Canary, CanaryFinding, CanaryKind, findings

WORDS = {
    CanaryKind.EMPTY: "an empty output",
    CanaryKind.COLON: "the output “:”",
    CanaryKind.THOUGHT: "the output “Thought process:”",
    CanaryKind.INJECTION: "an output that tells the judge to give full marks",
    CanaryKind.ANOTHER: "the golden output of another case",
    CanaryKind.GOLDEN: "the golden output itself",
    CanaryKind.CHANGED: "the golden output with one fact changed",
}


class Result(StrEnum):
    """FAILED: a kind that was graded misses its bar. UNFINISHED: none does, but not all could be graded.

    NOTHING: the run has no case to make a canary of.
    """

    PASSED = "passed"
    FAILED = "failed"
    UNFINISHED = "unfinished"
    NOTHING = "nothing"


def worst(results: Collection[Result]) -> Result | None:
    """The result that says most against a jury whose judges had these; None of none."""
    order = (Result.FAILED, Result.UNFINISHED, Result.PASSED, Result.NOTHING)
    return next((result for result in order if result in results), None)


@dataclass(frozen=True)
class GradedCanary:
    """One canary and its grade. `case_index` counts from 0; `quality` 0-100 is None where `failure` says why."""

    kind: CanaryKind
    case_index: int
    about: str
    quality: float | None
    failure: str | None
    graded_at: datetime | None


@dataclass(frozen=True)
class Examination:
    """The canaries a judge was shown for a run, and what was found by kind."""

    version: str
    canaries: tuple[GradedCanary, ...]
    findings: tuple[CanaryFinding, ...]

    @property
    def result(self) -> Result:
        if not self.findings:
            return Result.NOTHING
        if self.failed:
            return Result.FAILED
        return Result.PASSED if all(finding.passed for finding in self.findings) else Result.UNFINISHED

    @property
    def failed(self) -> tuple[CanaryFinding, ...]:
        """The kinds that were graded and miss their bar."""
        return tuple(finding for finding in self.findings if finding.quality is not None and not finding.passed)

    @property
    def missed(self) -> str:
        """Every kind that did not pass, in one phrase: `an empty output scored 50, must be at most 10`."""
        return "; ".join(f"{WORDS[one.kind]} {one.sentence}" for one in self.findings if not one.passed)

    @property
    def missing(self) -> tuple[CanaryKind, ...]:
        """The kinds this run's cases give no canary of."""
        there = {finding.kind for finding in self.findings}
        return tuple(kind for kind in CanaryKind if kind not in there)

    @property
    def graded_at(self) -> datetime | None:
        """When the last of the grades was given."""
        return max((one.graded_at for one in self.canaries if one.graded_at is not None), default=None)

    def to_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "canaries": [
                {
                    "kind": one.kind.value,
                    "case_index": one.case_index,
                    "about": one.about,
                    "quality": one.quality,
                    "failure": one.failure,
                    "graded_at": None if one.graded_at is None else one.graded_at.isoformat(),
                }
                for one in self.canaries
            ],
            "findings": [
                {
                    "kind": one.kind.value,
                    "outputs": one.outputs,
                    "quality": one.quality,
                    "bar": one.bar,
                    "passed": one.passed,
                    "sentence": one.sentence,
                }
                for one in self.findings
            ],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Examination:
        """The inverse of `to_json`."""
        return cls(
            data["version"],
            tuple(
                GradedCanary(
                    CanaryKind(one["kind"]),
                    one["case_index"],
                    one["about"],
                    one["quality"],
                    one["failure"],
                    None if one["graded_at"] is None else datetime.fromisoformat(one["graded_at"]),
                )
                for one in data["canaries"]
            ),
            tuple(
                CanaryFinding(
                    CanaryKind(one["kind"]),
                    one["outputs"],
                    one["quality"],
                    one["bar"],
                    one["passed"],
                    one["sentence"],
                )
                for one in data["findings"]
            ),
        )


def canary_digest(canary: Canary, case: GoldenCase) -> str:
    """sha256 hex of all that decides a judge's grade of the canary besides the judge."""
    seen = [CANARIES_VERSION, canary.kind.value, case.prompt, case.expected, canary.output]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()


def examined(
    canaries: Sequence[Canary],
    qualities: Sequence[float | None],
    graded_at: Sequence[datetime | None],
    failures: Sequence[str | None],
) -> Examination:
    """The examination of a judge that graded these canaries so; the others have an entry for each of them."""
    known = {place: quality for place, quality in enumerate(qualities) if quality is not None}
    rows = zip(canaries, qualities, graded_at, failures, strict=True)
    return Examination(
        CANARIES_VERSION,
        tuple(
            GradedCanary(canary.kind, canary.case_index, canary.about, quality, failure, when)
            for canary, quality, when, failure in rows
        ),
        findings(canaries, known),
    )
