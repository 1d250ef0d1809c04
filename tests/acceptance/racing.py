"""A skill and models to race: each case has ten checks, and a model's name says how many of them it holds."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tests.modelserver import Call, Reply

CHECKS = 10
_HELD = {"good": 9.0, "fair": 7.0, "poor": 2.0}


def write_race(folder: Path, cases: int) -> Path:
    """A skill folder that needs no judge."""
    (folder / "evals").mkdir(parents=True)
    (folder / "SKILL.md").write_text(f"---\nname: {folder.name}\ndescription: Names parts.\n---\n\nName the parts.\n")
    checks = [{"type": "contains", "value": f"part-{number}."} for number in range(CHECKS)]
    evals = [
        {"id": index, "prompt": f"Which parts has item {index}?", "expected_output": "All.", "checks": checks}
        for index in range(cases)
    ]
    (folder / "evals" / "evals.json").write_text(json.dumps({"skill_name": folder.name, "evals": evals}))
    return folder


def reply(call: Call) -> Reply | None:
    """As many parts as the model's name promises, one more or fewer by the prompt; without the skill half as many."""
    held = _HELD.get(call.model.partition("-")[0])
    if held is None:
        return None
    dice = hashlib.blake2b(f"{call.model}{call.prompt}".encode(), digest_size=4).digest()
    count = held + dice[0] % 3 - 1
    if not call.system:
        count /= 2
    return Reply(" ".join(f"part-{number}." for number in range(min(CHECKS, round(count)))) or "none")
