"""Grades that were paid for, one JSON line each, on disk before anything is done with them."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from steelyard.domain.calls import Usage
from steelyard.domain.cases import GoldenCase


@dataclass(frozen=True)
class Graded:
    """One grading of one output: its `quality`, None where it failed (`message` says how), and what it took.

    `cost_microcents` is None where the price is unknown.
    """

    key: str
    quality: float | None
    message: str
    calls: int
    input_tokens: int
    output_tokens: int
    cost_microcents: int | None


def key_of(judge_digest: str, case: GoldenCase, output: str) -> str:
    """What makes two gradings one: judge and protocol, the case as a grader sees it, and the output."""
    return hashlib.sha256(json.dumps([judge_digest, case.grading_digest, output]).encode()).hexdigest()


class Ledger:
    """A file that grows by one line with each grading; what is in it is not asked for again, unless it failed."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = path.open("a+", encoding="utf-8")
        self._file.seek(0)
        self.graded: dict[str, Graded] = {}
        self.all: list[Graded] = []
        for line in self._file:
            # A line cut by a crash was not acted upon.
            if line.endswith("\n"):
                self._keep(Graded(**json.loads(line)))

    def add(self, graded: Graded) -> None:
        """Return once it is on disk."""
        self._file.write(json.dumps(asdict(graded)) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._keep(graded)

    @property
    def spent_microcents(self) -> int:
        """Of the known prices."""
        return sum(one.cost_microcents or 0 for one in self.all)

    @property
    def usage(self) -> Usage:
        return Usage(sum(one.input_tokens for one in self.all), sum(one.output_tokens for one in self.all))

    def close(self) -> None:
        self._file.close()

    def _keep(self, graded: Graded) -> None:
        self.all.append(graded)
        if graded.quality is not None:
            self.graded[graded.key] = graded
