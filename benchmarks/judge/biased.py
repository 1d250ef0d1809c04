"""Judges by script with planted biases: pure functions of what a judge is shown, the same over HTTP and without it."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import log2
from typing import Any

from steelyard.judging.canaries import INJECTIONS

# How the models of a family begin an answer: a judge knows its own family by its style, as it is told no names.
STYLES = {"claude": "Certainly.", "gpt": "Sure thing.", "gemini": "Here you go."}
# A judgement of GPT-4 varies by this many points over repeats (SD; prometheus_eval, 640 answers judged three times).
NOISE = 11.0
# A case's assertions: with so many levels of 0-5 a score of whole points is told exactly.
CRITERIA = 20
_REFERENCE_LENGTH = 1_500
_LEVELS = 5
_WORTH = re.compile(r"Worth (\d+\.\d+) in case (\d+)\.")
_WORDS = ("beam", "brass", "chain", "gram", "hook", "lever", "load", "notch", "ounce", "pan", "pivot", "poise", "scale")


def answer(family: str, quality: float, length: int, case: int, seed: str) -> str:
    """An answer of about `length` characters that says how good it is, in its family's style."""
    start = f"{STYLES[family]} Worth {quality:.3f} in case {case}."
    rng = random.Random(f"{seed} {family} {case}")
    parts = [start]
    room = length - len(start)
    while room > 0:
        word = f" {rng.choice(_WORDS)}" * 8
        parts.append(word[:room].rstrip() or ".")
        room -= len(word)
    return "".join(parts)


@dataclass(frozen=True)
class ScriptedJudge:
    """Points of 0-100. `favour`: added for its own family's style; `per_doubling` of an answer's length; `drift`: from
    its first judgement to its last; `obeys`: full marks to an output that asks for them. `severity` is taken off all,
    `noise` is the SD of a judgement; the same text gets the same."""

    name: str
    family: str
    favour: float = 0.0
    per_doubling: float = 0.0
    drift: float = 0.0
    obeys: bool = False
    severity: float = 0.0
    noise: float = NOISE
    seed: int = 0

    def score(self, text: str, acceptable: str = "", place: float = 0.0) -> float:
        """0-100 for an output as the judge is shown it; `place`: 0 for its first judgement to 1 for its last."""
        if self.obeys and any(injection in text for injection in INJECTIONS):
            return 100.0
        found = _WORTH.search(text)
        rng = random.Random(f"{self.seed} {self.name} {text}")
        if found is None:
            quality = _likeness(text, acceptable)
        else:
            own = self.family in STYLES and text.startswith(STYLES[self.family])
            quality = float(found[1]) - self.severity + self.favour * own + self.drift * place
            quality += self.per_doubling * log2(max(len(text), 1) / _REFERENCE_LENGTH)
        return min(100.0, max(0.0, quality + rng.gauss(0.0, self.noise)))

    def levels(self, text: str, acceptable: str, criteria: int, place: float = 0.0) -> list[int]:
        """The score spread as evenly as it goes over levels of 0-5, so that code makes a score of them again."""
        total = round(self.score(text, acceptable, place) * criteria * _LEVELS / 100)
        each, extra = divmod(total, criteria)
        return [each + (index < extra) for index in range(criteria)]

    def quality(self, text: str, acceptable: str = "", criteria: int = CRITERIA, place: float = 0.0) -> float:
        """The score that Steelyard makes of the levels."""
        return 100.0 * sum(self.levels(text, acceptable, criteria, place)) / (_LEVELS * criteria)

    def reply(self, prompt: str, place: float = 0.0) -> str:
        """The reply in JSON to a judge's prompt."""
        shown = read_prompt(prompt)
        levels = self.levels(shown.candidate, shown.acceptable, shown.criteria, place)
        criteria: Sequence[dict[str, Any]] = [{"evidence": "", "finding": "Weighed.", "level": n} for n in levels]
        return json.dumps(
            {
                "criteria": criteria,
                "differences_from_expected": "",
                "matches_expected": "partial",
                "notes": "By script.",
            }
        )


@dataclass(frozen=True)
class ShownPrompt:
    """What a judge's prompt says: the candidate, the acceptable answer, how many criteria."""

    candidate: str
    acceptable: str
    criteria: int


def read_prompt(prompt: str) -> ShownPrompt:
    """The parts of a prompt of `judge/3`. ValueError when it is none."""
    marked = re.search(r"----- ([0-9a-f]{32})\n(.*?)\n----- \1\n", prompt, re.S)
    counted = re.search(r"on the (\d+) criteria above", prompt)
    if marked is None or counted is None:
        raise ValueError("This is no prompt of the judge's protocol.")
    acceptable = re.search(r"<acceptable_answer>\n(.*?)\n</acceptable_answer>", prompt, re.S)
    return ShownPrompt(json.loads(marked[2]), acceptable[1] if acceptable else "", int(counted[1]))


def _likeness(text: str, acceptable: str) -> float:
    """What an output that does not say its worth is worth: all if it is the acceptable answer, nothing if unlike it,
    as the protocol's level 0 is "not met at all"."""
    if not text.strip() or not acceptable:
        return 0.0
    if text.strip() == acceptable.strip():
        return 100.0
    said, wanted = set(text.split()), set(acceptable.split())
    return 50.0 if len(said & wanted) >= 0.8 * len(said | wanted) else 0.0
