"""A skill as read from a folder or a prompt file, with what the linter found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class LintFinding:
    """One remark. `level` is "error" (official validator would refuse) or "warning"; `line` counts from 1."""

    level: str
    code: str
    message: str
    file: str = "SKILL.md"
    line: int | None = None


@dataclass(frozen=True)
class SkillContent:
    """One version of a skill.

    `body` is the Markdown after the frontmatter; `frontmatter` keeps unknown keys; `files` maps the
    relative POSIX path of every file of the folder but `evals/` and generated results to its bytes
    (a bare prompt has one, `SKILL.md`); `prompt` is the text a model gets as the skill in a
    single-turn run: the body, then each linked reference file under the size limit; `cut` names the
    references the limit left out. `digest` is the version: sha256 hex over `files`.
    """

    name: str
    description: str
    body: str
    prompt: str
    digest: str
    frontmatter: Mapping[str, Any] = field(default_factory=dict[str, Any])
    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    cut: tuple[str, ...] = ()
    lint: tuple[LintFinding, ...] = ()
    source: str | None = None
