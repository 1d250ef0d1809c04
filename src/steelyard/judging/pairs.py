"""The judge of two outputs: asks a model which is better, and takes nothing from its reply on trust."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from steelyard.domain.calls import CallError, FailureKind, ModelRequest, ModelResponse, StopReason
from steelyard.domain.cases import GoldenCase
from steelyard.domain.models import ModelRef
from steelyard.domain.tie_breaks import Preference
from steelyard.judging.jsontext import only_object
from steelyard.judging.judge import JUDGE_MAX_TOKENS, Asker, Judge
from steelyard.judging.pair_protocol import SYSTEM, comparison_digest, pair_judge_digest, pair_prompt, pair_schema
from steelyard.judging.protocol import DEFAULT_RUBRIC, new_nonce, shown_to_judge

_ASKS = 2

Better = Literal["first", "second", "neither"]


class _Criterion(BaseModel):
    model_config = ConfigDict(extra="ignore")
    finding: str
    better: Better


class _Reply(BaseModel):
    model_config = ConfigDict(extra="ignore")
    criteria: list[_Criterion]
    better: Better


@dataclass(frozen=True)
class Duel:
    """Two outputs of one case in the order they are shown, as the judge's copies. `criteria` are those of the run."""

    prompt: str
    expected: str
    criteria: tuple[str, ...]
    first: str
    second: str

    @cached_property
    def digest(self) -> str:
        """What a comparison is kept under: no model is part of it."""
        return comparison_digest(self.prompt, self.expected, self.criteria, (self.first, self.second))

    @property
    def identical(self) -> bool:
        """Whether the judge would see the same text twice, of which it need not be asked."""
        return self.first == self.second

    @cached_property
    def swapped(self) -> Duel:
        return Duel(self.prompt, self.expected, self.criteria, self.second, self.first)


def criteria_of(case: GoldenCase, rubric: Sequence[str]) -> tuple[str, ...]:
    """What outputs of a case are compared on: its assertions, else the run's rubric, else the default one."""
    return case.assertions or tuple(rubric) or DEFAULT_RUBRIC


def shown_text(case: GoldenCase, criteria: Sequence[str], output: str) -> str:
    """The judge's copy of an output: without what says who wrote it, its middle left out where it is very long."""
    return shown_to_judge(output, "\n".join((case.prompt, case.expected, *criteria))).text


def duel_of(case: GoldenCase, rubric: Sequence[str], first: str, second: str) -> Duel:
    """Two outputs of a case, as they came, to be compared."""
    criteria = criteria_of(case, rubric)
    shown = [shown_text(case, criteria, output) for output in (first, second)]
    return Duel(case.prompt, case.expected, criteria, shown[0], shown[1])


@dataclass(frozen=True)
class PairJudge:
    """One judge model under the protocol of pairs. `identity` is the model's stable text, its address included."""

    model: ModelRef
    identity: str
    max_tokens: int = JUDGE_MAX_TOKENS
    nonce: Callable[[str], str] = field(default=new_nonce, repr=False, compare=False)

    @classmethod
    def like(cls, judge: Judge) -> PairJudge:
        """The same model asked about pairs."""
        return cls(judge.model, judge.identity)

    @property
    def digest(self) -> str:
        return pair_judge_digest(self.identity, self.max_tokens)

    def request(self, duel: Duel) -> ModelRequest:
        """The request for one order. The same outputs of any two models give the same request, the nonces aside."""
        both = duel.first + duel.second
        outputs, nonces = (duel.first, duel.second), (self.nonce(both), self.nonce(both))
        prompt = pair_prompt(duel.prompt, duel.expected, duel.criteria, outputs, nonces)
        return ModelRequest(self.model, SYSTEM, prompt, self.max_tokens, pair_schema(len(duel.criteria)))

    async def compare(self, asker: Asker, duel: Duel) -> Preference:
        """Which output is better in the order shown.

        A reply out of form is asked for once more. One that names an output its own findings speak against is no
        preference. Raises CallError of kind JUDGE; what was paid is the asker's to keep.
        """
        problem = ""
        max_tokens = self.max_tokens
        for _ in range(_ASKS):
            # Made anew each time: with new marks a reply out of form need not repeat itself.
            response = await asker.complete(replace(self.request(duel), max_tokens=max_tokens))
            try:
                return _preference(_read(response, len(duel.criteria)))
            except ValueError as error:
                problem = str(error)
            if response.stop_reason is StopReason.LENGTH:
                max_tokens *= 2
        raise CallError(FailureKind.JUDGE, f"It did not reply in the form asked for: {problem}", attempts=_ASKS)


def _preference(reply: _Reply) -> Preference:
    """What it says on the whole, unless its findings, counted by code, point to the other output."""
    said = Preference(reply.better)
    won = [item.better for item in reply.criteria]
    other = {Preference.FIRST: "second", Preference.SECOND: "first"}.get(said)
    if other is not None and won.count(other) > won.count(said.value):
        return Preference.NEITHER
    return said


def _read(response: ModelResponse, criteria: int) -> _Reply:
    """The reply, checked. Raises ValueError saying what is wrong with it."""
    if response.stop_reason is StopReason.REFUSAL:
        raise ValueError("it refused")
    if response.stop_reason is StopReason.LENGTH:
        raise ValueError("the reply was cut at max_tokens")
    if response.stop_reason is StopReason.CONTEXT:
        raise ValueError("the reply was cut where the context window was full")
    try:
        reply = _Reply.model_validate(only_object(response.output))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the reply"
        raise ValueError(f"{where}: {first['msg'].lower()}") from error
    if len(reply.criteria) != criteria:
        raise ValueError(f"{len(reply.criteria)} criteria compared instead of {criteria}")
    return reply
