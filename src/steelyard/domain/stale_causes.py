"""What speaks against a benchmark, with its evidence and what testing it again would take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class CauseKind(StrEnum):
    """The kinds of causes, gravest first."""

    SKILL = "skill"
    CASES = "cases"
    MODEL_CHANGED = "model_changed"
    MODEL_GONE = "model_gone"
    JUDGE = "judge"
    AGE = "age"
    PRICE = "price"
    DRIFT = "drift"
    NEWER = "newer"

    @property
    def fresh(self) -> bool:
        """Whether only fresh answers cure it: what models and users do today is the question then.

        A changed model needs no asking for: what answers under its name is part of what an answer is kept under.
        """
        return self in (CauseKind.AGE, CauseKind.DRIFT)

    @property
    def heading(self) -> str:
        return _HEADINGS[self]


_HEADINGS = {
    CauseKind.SKILL: "The skill changed",
    CauseKind.CASES: "Golden cases changed",
    CauseKind.MODEL_CHANGED: "A model changed",
    CauseKind.MODEL_GONE: "A model goes or is gone",
    CauseKind.JUDGE: "The judge changed",
    CauseKind.AGE: "Too old",
    CauseKind.PRICE: "A price changed",
    CauseKind.DRIFT: "Use has drifted",
    CauseKind.NEWER: "A newer model is there",
}


@dataclass(frozen=True)
class Retest:
    """What a Re-benchmark from a cause would take. Money in microcents, a lower bound where some price is not known.

    `judge_calls` include those of the judge's examination; `reused` answers are used again for nothing. `fresh`: every
    answer is called for anew. `problem` says why it cannot be done as it stands; all counts are 0 then.
    """

    calls: int = 0
    judge_calls: int = 0
    reused: int = 0
    cost_microcents: int = 0
    cost_is_lower_bound: bool = False
    fresh: bool = False
    problem: str | None = None

    @property
    def all_calls(self) -> int:
        return self.calls + self.judge_calls

    def to_json(self) -> dict[str, Any]:
        return {
            "calls": self.calls,
            "judge_calls": self.judge_calls,
            "reused": self.reused,
            "cost_microcents": self.cost_microcents,
            "cost_is_lower_bound": self.cost_is_lower_bound,
            "fresh": self.fresh,
            "problem": self.problem,
        }


@dataclass(frozen=True)
class FoundCause:
    """One cause. `since` is when it came about, or when it was first noticed where that is not recorded anywhere
    (`noticed`). `evidence` is a sentence with units, and `details` the same for programs.
    """

    kind: CauseKind
    since: datetime
    evidence: str
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
    noticed: bool = False
    retest: Retest | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind.value,
            "since": self.since.isoformat(),
            "since_is_when_noticed": self.noticed,
            "evidence": self.evidence,
            "details": dict(self.details),
            "retest": None if self.retest is None else self.retest.to_json(),
        }
