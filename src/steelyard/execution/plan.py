"""What a run will do, worked out before anything is paid: cells, digests, order, batches. Pure."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import UUID

from steelyard.domain.cases import GoldenCase
from steelyard.domain.races import RaceTarget
from steelyard.domain.runs import Arm

PLAN_VERSION = "plan/1"
BATCH = 25


@dataclass(frozen=True)
class Juror:
    """One judge of a run: its model as text, and its digest."""

    judge: str
    digest: str


@dataclass(frozen=True)
class Plan:
    """The whole agreement of a run; two equal plans have the same digest and the same cells.

    `identities` are the models' stable texts (with the base URL where it is not the vendor's own),
    one per model; `margin` is in points of quality; `threshold` is the least quality that passes.
    `race` stops calling models that are shown not to be the best: on these very cases, or on cases like these;
    `race_batch` is how many cases each of its batches has, None where `rounds.race_of` knows.
    `jury` has two judges or more, all equal, or is empty; `judge` and `judge_digest` then stand for the whole of it.
    """

    models: tuple[str, ...]
    identities: tuple[str, ...]
    arms: tuple[Arm, ...]
    trials: int
    case_ids: tuple[UUID, ...]
    skill_digest: str
    max_tokens: int
    seed: int
    margin: float
    threshold: float
    rubric: tuple[str, ...] = ()
    judge: str | None = None
    judge_digest: str | None = None
    race: RaceTarget | None = None
    race_batch: int | None = None
    jury: tuple[Juror, ...] = ()

    @property
    def jurors(self) -> tuple[Juror, ...]:
        """Every judge of the run: the jury, the one judge, or none."""
        if self.jury or self.judge is None:
            return self.jury
        return (Juror(self.judge, self.judge_digest or ""),)

    @property
    def planned(self) -> int:
        return len(self.models) * len(self.arms) * len(self.case_ids) * self.trials

    @property
    def cells_per_model(self) -> int:
        return len(self.arms) * len(self.case_ids) * self.trials

    @property
    def batches_per_model(self) -> int:
        return -(-self.cells_per_model // BATCH)

    @property
    def digest(self) -> str:
        """sha256 hex of all that decides which cells are called and how they are graded."""
        return _sha([PLAN_VERSION, self.to_json()])

    def to_json(self) -> dict[str, Any]:
        raced: dict[str, Any] = {} if self.race is None else {"race": self.race}
        if self.race_batch is not None:
            raced["race_batch"] = self.race_batch
        jury = {"jury": [{"judge": one.judge, "digest": one.digest} for one in self.jury]} if self.jury else {}
        return (
            raced
            | jury
            | {
                "models": list(self.models),
                "identities": list(self.identities),
                "arms": [arm.value for arm in self.arms],
                "trials": self.trials,
                "case_ids": [str(case_id) for case_id in self.case_ids],
                "skill_digest": self.skill_digest,
                "max_tokens": self.max_tokens,
                "seed": self.seed,
                "margin": self.margin,
                "threshold": self.threshold,
                "rubric": list(self.rubric),
                "judge": self.judge,
                "judge_digest": self.judge_digest,
            }
        )

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        """The inverse of `to_json`."""
        return cls(
            models=tuple(data["models"]),
            identities=tuple(data["identities"]),
            arms=tuple(Arm(arm) for arm in data["arms"]),
            trials=data["trials"],
            case_ids=tuple(UUID(case_id) for case_id in data["case_ids"]),
            skill_digest=data["skill_digest"],
            max_tokens=data["max_tokens"],
            seed=data["seed"],
            margin=data["margin"],
            threshold=data["threshold"],
            rubric=tuple(data["rubric"]),
            judge=data["judge"],
            judge_digest=data["judge_digest"],
            race=data.get("race"),
            race_batch=data.get("race_batch"),
            jury=tuple(Juror(one["judge"], one["digest"]) for one in data.get("jury", ())),
        )


@dataclass(frozen=True)
class Cell:
    """Model x arm x case x trial. `digest` is the answer's content address over runs."""

    model_index: int
    arm: Arm
    case_index: int
    trial: int
    digest: str


def jury_of(jurors: Sequence[Juror]) -> tuple[str, str, tuple[Juror, ...]]:
    """(text, digest, jurors in one order) of a jury, which are the same in whatever order its judges are named."""
    ordered = tuple(sorted(jurors, key=lambda one: (one.judge, one.digest)))
    return ", ".join(one.judge for one in ordered), _sha(sorted(one.digest for one in ordered)), ordered


def system_prompt(arm: Arm, skill_prompt: str) -> str:
    """What the model is told before the input: the skill, or nothing."""
    return skill_prompt if arm is Arm.WITH_SKILL else ""


class CellGrid:
    """The cells of a plan, addressed by lane and batch; there are as many lanes as models.

    The models meet one seeded shuffle side by side, so that whatever a run has done when it stops is a random sample of
    the cases, the same one for every model, and a judge that grows lenient with time does so with all of them. In a
    race a lane is a model, as models drop out of it, and they take turns round by round.
    """

    def __init__(self, plan: Plan, cases: Sequence[GoldenCase], skill_prompt: str) -> None:
        """`cases` in the order of `plan.case_ids`."""
        self.plan = plan
        self._systems = {arm: _sha(system_prompt(arm, skill_prompt)) for arm in plan.arms}
        self._prompts = _numbered([_sha(case.prompt) for case in cases])
        self._batches = _cell_batches(plan)

    def batch(self, lane: int, batch: int) -> list[Cell]:
        """At most BATCH cells: a stretch of the shuffle, each case of it for one model after the other."""
        picked = self._batches[batch]
        if self.plan.race is not None:
            return [self._cell(lane, case, trial, arm) for case, trial, arm in picked]
        side_by_side = [(model, *of) for of in picked for model in range(len(self.plan.models))]
        mine = side_by_side[lane * len(picked) : (lane + 1) * len(picked)]
        return [self._cell(model, case, trial, arm) for model, case, trial, arm in mine]

    def all(self) -> list[Cell]:
        """Every cell, model by model."""
        return [
            self._cell(model, case, trial, arm)
            for model in range(len(self.plan.models))
            for batch in self._batches
            for case, trial, arm in batch
        ]

    def _cell(self, model_index: int, case_index: int, trial: int, arm: Arm) -> Cell:
        digest = _sha(
            [
                PLAN_VERSION,
                self.plan.identities[model_index],
                arm.value,
                self._systems[arm],
                self._prompts[case_index],
                trial,
                self.plan.max_tokens,
            ]
        )
        return Cell(model_index, arm, case_index, trial, digest)


def _cell_batches(plan: Plan) -> list[list[tuple[int, int, Arm]]]:
    if plan.race is not None:
        # Imported for a race alone, as it takes numpy.
        from steelyard.execution.rounds import cell_batches

        return cell_batches(plan, BATCH)
    order = list(product(range(len(plan.case_ids)), range(plan.trials), plan.arms))
    random.Random(plan.seed).shuffle(order)  # noqa: S311 - an order, not a secret
    return [order[start : start + BATCH] for start in range(0, len(order), BATCH)]


def job_order(plan: Plan) -> list[tuple[int, int]]:
    """(lane, batch) of every job of a run without a race, in the order of the shuffle."""
    return [(lane, batch) for batch in range(plan.batches_per_model) for lane in range(len(plan.models))]


def _numbered(digests: Sequence[str]) -> list[str]:
    """Cases that ask exactly the same are told apart by their place among their likes."""
    seen: Counter[str] = Counter()
    numbered: list[str] = []
    for digest in digests:
        numbered.append(digest if not seen[digest] else f"{digest}#{seen[digest]}")
        seen[digest] += 1
    return numbered


def _sha(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
