"""The blind judge: asks a model to grade one output, and takes nothing from its reply on trust."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from steelyard.domain.calls import CallError, FailureKind, ModelRequest, ModelResponse, StopReason, Usage
from steelyard.domain.cases import GoldenCase
from steelyard.domain.grading import CheckResult, CriterionLevel, Grade, Judgement
from steelyard.domain.models import ModelRef
from steelyard.judging.checks import run_checks
from steelyard.judging.jsontext import only_object
from steelyard.judging.protocol import (
    DEFAULT_RUBRIC,
    SYSTEM,
    Shown,
    judge_digest,
    new_nonce,
    reply_schema,
    shown_to_judge,
    user_prompt,
)
from steelyard.judging.scoring import combine, contradicts, flags_of, quality_of, quote_is_in

JUDGE_MAX_TOKENS = 4096
_ASKS = 2


class Asker(Protocol):
    """What a judge calls models through; any Provider is one."""

    async def complete(self, request: ModelRequest) -> ModelResponse: ...


class _Criterion(BaseModel):
    model_config = ConfigDict(extra="ignore")
    evidence: str
    finding: str
    level: Annotated[int, Field(ge=0, le=5, strict=True)]


class _Reply(BaseModel):
    model_config = ConfigDict(extra="ignore")
    criteria: list[_Criterion]
    differences_from_expected: str
    matches_expected: Literal["yes", "partial", "no"]
    notes: str


@dataclass
class _Bill:
    """What one grading has used so far, so that no failure loses it."""

    usage: Usage = field(default_factory=Usage)
    known: bool = True
    calls: int = 0

    def add(self, usage: Usage, *, known: bool) -> None:
        self.usage += usage
        self.known = self.known and known
        self.calls += 1

    def failure(self, message: str, attempts: int) -> CallError:
        return CallError(FailureKind.JUDGE, message, attempts=attempts, wasted=self.usage, wasted_known=self.known)


@dataclass(frozen=True)
class Judge:
    """One judge model under one protocol. `identity` is the model's stable text, its address included.

    Scores of judges with different digests are never compared.
    """

    model: ModelRef
    identity: str
    max_tokens: int = JUDGE_MAX_TOKENS
    nonce: Callable[[str], str] = field(default=new_nonce, repr=False, compare=False)

    @property
    def digest(self) -> str:
        return judge_digest(self.identity, self.max_tokens)

    def request(self, case: GoldenCase, criteria: Sequence[str], shown: Shown) -> ModelRequest:
        """The request for one output. The same output of two models gives the same request, the nonce aside."""
        prompt = user_prompt(case.prompt, case.expected, criteria, shown.text, self.nonce(shown.text))
        return ModelRequest(self.model, SYSTEM, prompt, self.max_tokens, reply_schema(len(criteria)))

    async def grade(
        self,
        asker: Asker,
        case: GoldenCase,
        output: str,
        rubric: Sequence[str],
        *,
        threshold: float,
        checks: Sequence[CheckResult] | None = None,
    ) -> Grade:
        """Grade one output on the case's assertions, else on the skill's rubric, else on the default one.

        `checks` are what came of the case's own; they are carried out here where they are not given. A reply that
        contradicts itself is asked for once more, and flagged if it still does. Raises CallError of
        kind JUDGE, with the usage of every call made in `wasted`.
        """
        criteria = case.assertions or tuple(rubric) or DEFAULT_RUBRIC
        shown = shown_to_judge(output, "\n".join((case.prompt, case.expected, *criteria)))
        bill = _Bill()

        def request() -> ModelRequest:
            return self.request(case, criteria, shown)

        reply = await self._ask(asker, request, len(criteria), bill)
        if _contradictory(case, reply):
            reply = await self._ask_again(asker, request, len(criteria), bill) or reply
        levels = tuple(
            CriterionLevel(text, item.evidence, item.finding, item.level, quote_is_in(item.evidence, shown.text))
            for text, item in zip(criteria, reply.criteria, strict=True)
        )
        quality = _quality(reply)
        judgement = Judgement(
            judge=self.model.text,
            judge_digest=self.digest,
            quality=quality,
            criteria=levels,
            differences_from_expected=reply.differences_from_expected,
            matches_expected=reply.matches_expected,
            notes=reply.notes,
            flags=flags_of(levels, cut=shown.cut, contradicted=_contradictory(case, reply)),
            usage=bill.usage,
            usage_known=bill.known,
            calls=bill.calls,
        )
        results = run_checks(case.checks, output) if checks is None else tuple(checks)
        return combine(case, results, judgement, threshold)

    async def _ask_again(
        self, asker: Asker, request: Callable[[], ModelRequest], criteria: int, bill: _Bill
    ) -> _Reply | None:
        """A second opinion of the same judge; the first stands when there is none to be had."""
        try:
            return await self._ask(asker, request, criteria, bill)
        except CallError:
            return None

    async def _ask(self, asker: Asker, request: Callable[[], ModelRequest], criteria: int, bill: _Bill) -> _Reply:
        problem = ""
        max_tokens = self.max_tokens
        for _ in range(_ASKS):
            try:
                # Made anew each time: with a new mark a reply out of form need not repeat itself.
                response = await asker.complete(replace(request(), max_tokens=max_tokens))
            except CallError as error:
                bill.add(error.wasted, known=error.wasted_known)
                raise bill.failure(error.message, error.attempts) from error
            bill.add(response.usage + response.wasted, known=response.usage_known and response.wasted_known)
            try:
                return _read(response, criteria)
            except ValueError as error:
                problem = str(error)
            if response.stop_reason is StopReason.LENGTH:
                max_tokens *= 2
        raise bill.failure(f"It did not reply in the form asked for: {problem}", _ASKS)


def _quality(reply: _Reply) -> float:
    return quality_of([item.level for item in reply.criteria])


def _contradictory(case: GoldenCase, reply: _Reply) -> bool:
    return bool(case.expected) and contradicts(reply.matches_expected, _quality(reply))


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
        raise ValueError(f"{len(reply.criteria)} criteria graded instead of {criteria}")
    return reply
