"""What an honest judge replies to an output shown as a canary, so that scripts of tests need not know of canaries."""

from __future__ import annotations

import json
import re

from steelyard.judging.protocol import DEFAULT_RUBRIC

_ACCEPTABLE = re.compile(r"<acceptable_answer>\n(.*?)\n</acceptable_answer>", re.S)
_PAIR = re.compile(r"^----- ([0-9a-f]{32})\n(.*)\n----- \1$", re.M)
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


def shown_pair(prompt: str) -> tuple[str, str]:
    """The two outputs that a judge of pairs is shown, in their order."""
    first, second = (json.loads(found[2]) for found in _PAIR.finditer(prompt))
    return first, second


def criteria_asked(prompt: str) -> int:
    """How many criteria a judge of pairs is to compare on: vendors' clients take the bounds out of some schemas."""
    return int(prompt.rpartition("Compare them on the ")[2].split()[0])


def pair_gate_reply(prompt: str) -> str | None:
    """The acceptable answer is better than whatever stands beside it; None where neither or both are it."""
    acceptable = _ACCEPTABLE.search(prompt)
    right = [acceptable is not None and text.strip() == acceptable[1].strip() for text in shown_pair(prompt)]
    if right[0] == right[1]:
        return None
    return pair_reply("first" if right[0] else "second", criteria_asked(prompt))


def pair_reply(better: str, criteria: int) -> str:
    """A judge of pairs' reply that prefers first, second or neither on every criterion and on the whole."""
    return json.dumps({"criteria": [{"finding": "Compared.", "better": better}] * criteria, "better": better})


def judge_reply(levels: list[int], matches: str = "partial") -> str:
    """A judge's reply that gives these levels."""
    criteria = [{"evidence": "", "finding": "Compared.", "level": level} for level in levels]
    return json.dumps(
        {"criteria": criteria, "differences_from_expected": "", "matches_expected": matches, "notes": "Compared."}
    )
