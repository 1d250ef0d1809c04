"""Scripted models, judge and reviewer: each answer follows from the seed, the run, the model and the question alone."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from benchmarks.pages.facts import Fact, FactCase
from steelyard.domain.calls import CallError, FailureKind, ModelRequest, ModelResponse, StopReason, Usage
from steelyard.judging.review import CRITERIA
from tests.modelserver.judging import canary_reply

HOSTILE = (
    '<script>alert("output")</script><img src=x onerror=alert(1)>\n\x1b[31mred\x1b[0m \u202eesrever\u202c\n'
    "[click](javascript:alert(1))\n"
)


@dataclass(frozen=True)
class Character:
    """How a model is: its chance of a fact right with and without the skill, its pace, and how much it talks.

    `pace_ms` is the median latency; `thinking` are reasoning tokens per answer; `drift` is added to the odds per year.
    """

    right: float
    without: float
    pace_ms: float
    thinking: int = 0
    chatty: float = 0.0
    drift: float = 0.0


CHARACTERS: Mapping[str, Character] = {
    "anthropic:claude-sonnet-5": Character(0.99, 0.72, 3_900, chatty=0.05),
    "anthropic:claude-sonnet-4-5": Character(0.80, 0.70, 4_600, chatty=0.2),
    "anthropic:claude-haiku-4-5": Character(0.78, 0.60, 1_700, chatty=0.3),
    "openai:gpt-5.4": Character(0.81, 0.74, 6_100, thinking=420),
    "openai:gpt-5.4-mini": Character(0.79, 0.62, 2_300, thinking=160),
    "openai:gpt-4.1-mini": Character(0.72, 0.52, 1_400),
    "google:gemini-3-pro-preview": Character(0.86, 0.73, 7_400, thinking=700, drift=-0.6),
    "google:gemini-3-flash-preview": Character(0.76, 0.63, 1_250, chatty=0.1),
    "google:gemini-2.5-flash": Character(0.74, 0.58, 1_100),
    "workshop:brass-7b": Character(0.66, 0.45, 900, chatty=0.4),
    "local:smollm2-135m": Character(0.28, 0.16, 2_900, chatty=0.6),
}
_UNKNOWN = Character(0.8, 0.5, 2_000)


@dataclass
class Actors:
    """Answers every call of the engine.

    `moment` (0-1 over the year) and `run` set which run it is, `boost` what the skill's version adds to the odds of a
    fact, `order` the prompts of its cases, and `troubles` what befalls a model on the n-th of them.
    """

    seed: int
    cases: dict[str, FactCase] = field(default_factory=dict[str, FactCase])
    moment: float = 1.0
    run: int = 0
    boost: float = 0.0
    troubles: Mapping[tuple[str, int], str] = field(default_factory=dict[tuple[str, int], str])
    order: list[str] = field(default_factory=list[str])

    def know(self, cases: list[FactCase]) -> None:
        self.cases |= {made.case.prompt: made for made in cases}

    async def complete(
        self, request: ModelRequest, *, priority: int = 0, before_call: Callable[[bool], Awaitable[None]] | None = None
    ) -> ModelResponse:
        if before_call is not None:
            await before_call(False)
        title = (request.json_schema or {}).get("title")
        if title == "grading":
            return self._judge(request)
        if title == "review":
            return self._review(request)
        return self._answer(request)

    def _dice(self, *what: object) -> Random:
        return Random("|".join(map(str, (self.seed, self.run, *what))))

    def _answer(self, request: ModelRequest) -> ModelResponse:
        name = f"{request.model.provider}:{request.model.name}"
        made, character = self.cases[request.prompt], CHARACTERS.get(name, _UNKNOWN)
        dice = self._dice("answer", name, request.system, request.prompt)
        trouble = self._trouble(name, request)
        if trouble in _ERRORS:
            raise CallError(_ERRORS[trouble], _SAID[trouble].format(name=name))
        chance = character.right if request.system else character.without
        hard = Random(f"{self.seed}|{request.prompt}").gauss(0, 0.7)
        odds = math.log(chance / (1 - chance)) + self.boost * bool(request.system)
        odds += character.drift * self.moment - hard
        chance = 1 / (1 + math.exp(-odds))
        values: dict[str, str | None] = {}
        for fact in made.facts:
            slip = dice.choice((*fact.wrong, None))
            values[fact.key] = fact.value if dice.random() < chance else slip
        text = made.answer(values)
        if made.as_json and dice.random() < 0.5:
            text = f"```json\n{text}\n```"
        if dice.random() < character.chatty:
            text = f"Sure! Here is what I found in the text you gave me:\n\n{text}\n\nLet me know if you need more."
        if trouble == "hostile":
            text = HOSTILE + text
        stop = StopReason.STOP
        match trouble:
            case "refused":
                text, stop = "I'm sorry, I can't help with documents that contain personal data.", StopReason.REFUSAL
            case "cut":
                text, stop = text[: len(text) // 3], StopReason.LENGTH
            case "empty":
                text = "  \n"
            case _:
                pass
        thinking = round(character.thinking * dice.uniform(0.5, 1.8))
        usage = Usage(_tokens(request.system + request.prompt), _tokens(text) + thinking, 0, 0, thinking)
        latency = character.pace_ms * math.exp(dice.gauss(0, 0.35))
        return ModelResponse(text, usage, latency, stop, effective_settings={"max_tokens": request.max_tokens})

    def _trouble(self, name: str, request: ModelRequest) -> str:
        """What this run's script has in store for the model's n-th case with the skill."""
        if not request.system:
            return ""
        return self.troubles.get((name, self.order.index(request.prompt)), "")

    def _judge(self, request: ModelRequest) -> ModelResponse:
        prompt = request.prompt
        asked = prompt.split("<input>\n", 1)[1].split("\n</input>\n\n", 1)[0]
        candidate = _between_marks(prompt)
        made, dice = self.cases[asked], self._dice("judge", asked, candidate)
        if (graded := canary_reply(prompt)) is not None:
            return _reply(request, json.loads(graded), dice)
        if self.troubles and "judge" in self.troubles.values() and dice.random() < 0.004:
            raise CallError(FailureKind.OVERLOADED, "The service is overloaded (529).")
        levels = [_level(fact, candidate, dice) for fact in made.facts]
        right = sum(level["level"] >= 4 for level in levels)
        reply = {
            "criteria": levels,
            "differences_from_expected": "; ".join(
                f"{fact.key} is not {fact.value}"
                for fact, level in zip(made.facts, levels, strict=True)
                if level["level"] < 4
            )
            or "None.",
            "matches_expected": "yes" if right == len(levels) else "partial" if right > 1 else "no",
            "notes": "" if right == len(levels) else f"{right} of {len(levels)} criteria met.",
        }
        return _reply(request, reply, dice)

    def _review(self, request: ModelRequest) -> ModelResponse:
        dice = self._dice("review", request.model.text)
        findings = {
            "Trigger": "The description names the task and when to use it, but not what it is not for.",
            "Instructions": "The steps are in order; step 3 and the note on currencies say different things of tax.",
            "Coverage": "Credit notes and invoices of several pages are not mentioned anywhere.",
            "Output": "The fields are listed with their forms, so that two readers would agree.",
            "Economy": "The list of currencies is known to any model and costs about 300 tokens a use.",
            "Safety": "Text on an invoice that asks to be ignored is spoken of, and the rule is clear.",
        }
        reply = {
            "summary": "A sound skill for plain invoices. It should say what to do with credit notes, and lose its list"
            " of currencies, which every model knows.",
            "scores": [
                {"criterion": name, "finding": findings[name], "score": dice.choice((3, 4, 4, 5))} for name in CRITERIA
            ],
            "strengths": ["Says exactly which fields there are.", "Treats text on the invoice as data."],
            "risks": [
                "A credit note is read as an invoice of a positive amount.",
                "Dates like 03/04/2026 are guessed without asking where the vendor is.",
            ],
            "edits": [
                {
                    "where": "SKILL.md, Steps",
                    "now": "3. Give the total with tax.",
                    "proposed": "3. Give the total with tax; on a credit note it is negative.",
                    "why": "Credit notes came up in three of the last ten suggestions.",
                },
                {
                    "where": "references/currencies.md",
                    "now": "",
                    "proposed": "(remove the file)",
                    "why": "Models know ISO 4217; the file costs 300 tokens on each use.",
                },
            ],
        }
        if "unreadable" in self.troubles.values():
            return ModelResponse("I would give this skill four stars out of five.", Usage(2_400, 14), 1_900.0)
        return _reply(request, reply, dice)


_ERRORS = {
    "rate_limited": FailureKind.RATE_LIMITED,
    "network": FailureKind.NETWORK,
    "timeout": FailureKind.TIMEOUT,
    "context": FailureKind.CONTEXT_WINDOW,
}
_SAID = {
    "rate_limited": "{name}: too many requests (429), still after 6 attempts in 120 s.",
    "network": "{name}: the connection was reset by the server.",
    "timeout": "{name}: no reply within 300 s.",
    "context": "{name}: the prompt is longer than the model's context of 2,048 tokens.",
}


def _level(fact: Fact, candidate: str, dice: Random) -> dict[str, Any]:
    line = next((line.strip() for line in candidate.splitlines() if fact.key in line), "")
    if re.search(rf"(?<!\w){re.escape(fact.value)}(?!\w)", line):
        flawed = dice.random() < 0.12
        finding = "It is right, beside a needless remark." if flawed else "It is as in the acceptable answer."
        return {"evidence": line, "finding": finding, "level": 4 if flawed else 5}
    if line:
        finding = f"It should be {fact.value}."
        return {"evidence": line, "finding": finding, "level": dice.choice((1, 2, 2, 3))}
    return {"evidence": "", "finding": f"The output does not give {fact.key} at all.", "level": 0}


def _reply(request: ModelRequest, reply: Mapping[str, Any], dice: Random) -> ModelResponse:
    text = json.dumps(reply, ensure_ascii=False)
    usage = Usage(_tokens(request.system + request.prompt), _tokens(text))
    return ModelResponse(text, usage, 5_200 * math.exp(dice.gauss(0, 0.3)))


def _between_marks(prompt: str) -> str:
    mark = next(line for line in prompt.splitlines() if line.startswith("----- "))
    return json.loads(prompt.split(f"{mark}\n")[1])


def _tokens(text: str) -> int:
    return max(1, round(len(text) / 3.8))
