"""An AI review of a skill: scores by criterion, strengths, risks, and concrete edits."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class ReviewStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True)
class ReviewScore:
    """1 (poor) to 5 (excellent) for one criterion, and the sentence that says why."""

    criterion: str
    score: int
    finding: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class ReviewEdit:
    """One change to make: where, the text as it is, the text proposed, and why."""

    where: str
    now: str
    proposed: str
    why: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Review:
    """What a model said of a skill."""

    summary: str
    scores: tuple[ReviewScore, ...]
    strengths: tuple[str, ...]
    risks: tuple[str, ...]
    edits: tuple[ReviewEdit, ...]
