"""What an honest judge replies to an output shown as a canary, so that scripts of tests need not know of canaries."""

from __future__ import annotations

import json
import re

from steelyard.judging.protocol import DEFAULT_RUBRIC

_ACCEPTABLE = re.compile(r"<acceptable_answer>\n(.*?)\n</acceptable_answer>", re.S)
_CANDIDATE = re.compile(r"^----- [0-9a-f]{32}\n(.*)\n----- [0-9a-f]{32}$", re.M)


def canary_reply(prompt: str) -> str | None:
    """Full marks for the acceptable answer and none for anything else; None where criteria of a case's own are asked.

    Canaries are graded on the default rubric, and so are cases without assertions or a rubric.
    """
    if DEFAULT_RUBRIC[0] not in prompt:
        return None
    return verdict_on(prompt)


def verdict_on(prompt: str) -> str:
    """The reply to a prompt on the default rubric, by comparing the candidate with the acceptable answer."""
    acceptable, candidate = _ACCEPTABLE.search(prompt), _CANDIDATE.search(prompt)
    assert candidate is not None
    right = acceptable is not None and json.loads(candidate[1]).strip() == acceptable[1].strip()
    return judge_reply([5 if right else 0] * len(DEFAULT_RUBRIC), "yes" if right else "no")


def judge_reply(levels: list[int], matches: str = "partial") -> str:
    """A judge's reply that gives these levels."""
    criteria = [{"evidence": "", "finding": "Compared.", "level": level} for level in levels]
    return json.dumps(
        {"criteria": criteria, "differences_from_expected": "", "matches_expected": matches, "notes": "Compared."}
    )
