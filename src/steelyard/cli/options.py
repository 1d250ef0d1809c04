"""What a person chose on the command line, as typed: shared by `run` and `estimate`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Chosen:
    """Money in US dollars, `margin` and `threshold` in points of quality; None is the documented default."""

    skill: str
    models: Sequence[str] = ()
    judges: Sequence[str] = ()
    cases: str | None = None
    case: Sequence[str] = ()
    expect: Sequence[str] = ()
    case_set: str | None = None
    arm: str = "both"
    trials: int = 1
    concurrency: int = 16
    budget: float | None = None
    margin: float = 5.0
    threshold: float = 70.0
    max_tokens: int = 4096
    seed: int | None = None
    fresh: bool = False
    race: str | None = None
    accept_judge: bool = False


@dataclass(frozen=True)
class Output:
    """Where the result goes. `json` is a file, or `-` for standard output."""

    json: str | None = None
    quiet: bool = False
    require: str | None = None
