"""Golden cases: an input, what is expected of the output, and how that is checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from steelyard.domain.actors import ActorKind, acting


class CaseSource(StrEnum):
    """Where a case came from, which stays with it whatever is decided or edited.

    The skill's folder; a user's training example; a member who wrote it here; a model that drafted it; a use in
    production; an output on which a person and the judge disagree; or one run.
    """

    FILE = "file"
    TRAINING_EXAMPLE = "training_example"
    WRITTEN = "written"
    DRAFTED = "drafted"
    PRODUCTION = "production"
    DISAGREEMENT = "disagreement"
    AD_HOC = "ad_hoc"


class CaseStatus(StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class CaseChange(StrEnum):
    """What was done to a case. ADDED: it came in accepted; PROPOSED: it came in to be decided on."""

    PROPOSED = "proposed"
    ADDED = "added"
    EDITED = "edited"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    RETIRED = "retired"
    RESTORED = "restored"


class WaitingKind(StrEnum):
    """What waits to become a golden case.

    A case a model drafted, or one that somebody proposed; a user's training example; a use in production that feedback
    gives; an output on which a person and the judge disagree.
    """

    DRAFTED = "drafted"
    PROPOSED = "proposed"
    EXAMPLE = "example"
    USE = "use"
    DISAGREEMENT = "disagreement"


LOCAL_OWNER = "local owner"


def whoever_acts() -> str:
    """The name that a change is kept under where none was given: that of whoever acts, or this installation's owner."""
    actor = acting.get()
    return LOCAL_OWNER if actor.kind is ActorKind.LOCAL else actor.name


@dataclass(frozen=True)
class By:
    """Who changes a case, and why; `why` may be empty for anything but a rejection."""

    who: str = field(default_factory=whoever_acts)
    why: str = ""


class CheckKind(StrEnum):
    EXACT = "exact"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    REGEX = "regex"
    NOT_REGEX = "not_regex"
    JSON_EQUAL = "json_equal"
    JSON_SCHEMA = "json_schema"
    NUMBER = "number"


@dataclass(frozen=True)
class Check:
    """A deterministic grader.

    `value` by kind: exact, contains, not_contains: str; regex, not_regex: a pattern (searched); json_equal: any JSON;
    json_schema: a schema; number: the expected number, within `tolerance` (absolute).
    """

    kind: CheckKind
    value: Any
    tolerance: float = 0.0
    ignore_case: bool = False

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {"type": self.kind.value, "value": self.value}
        if self.tolerance:
            data["tolerance"] = self.tolerance
        if self.ignore_case:
            data["ignore_case"] = True
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Check:
        """The inverse of `to_json`; ValueError or KeyError on anything else."""
        tolerance, ignore_case = float(data.get("tolerance", 0.0)), bool(data.get("ignore_case", False))
        return cls(CheckKind(data["type"]), data["value"], tolerance, ignore_case)


@dataclass(frozen=True)
class GoldenCase:
    """One golden case of a skill.

    `assertions` are sentences for the judge; `checks` are deterministic. `expected` may be empty when
    either is given. `files` maps relative paths to text handed to the model after the input. `family` names cases
    that share a fixture or source (clusters); None is a family of its own. `extra` keeps unknown keys.
    """

    case_id: str
    input: str
    expected: str = ""
    assertions: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    family: str | None = None
    case_set: str | None = None
    source: CaseSource = CaseSource.FILE
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def prompt(self) -> str:
        """The text sent to a model: the input, then each file under its name."""
        parts = [self.input]
        parts += [f'<file path="{path}">\n{text}\n</file>' for path, text in sorted(self.files.items())]
        return "\n\n".join(parts)

    @property
    def needs_judge(self) -> bool:
        """Whether anything of this case is beyond the deterministic checks."""
        return bool(self.assertions) or not self.checks

    @property
    def says_what_is_good(self) -> bool:
        """Whether anything says what a good output is; without it the case can be proposed, and not accepted."""
        return bool(self.expected.strip() or self.assertions or self.checks)

    @property
    def grading_digest(self) -> str:
        """sha256 hex of everything a grader sees besides the candidate."""
        seen = [self.prompt, self.expected, list(self.assertions), [check.to_json() for check in self.checks]]
        return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()
