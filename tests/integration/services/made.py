"""Runs made up for the services' tests: the real plan, engine and writers against a scripted caller."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from steelyard.domain.calls import ModelRequest, ModelResponse
from steelyard.domain.cases import CaseSource, Check, CheckKind, GoldenCase
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.domain.skills import SkillContent
from steelyard.services.run_request import RunRequest
from tests.integration.execution.bench import Bench, Caller
from tests.modelserver.judging import canary_reply

JUDGE = ModelRef("test", "judge")
Reply = Callable[[str, str], str | ModelResponse]


def content(name: str = "", *, text: str = "Weigh it.", frontmatter: dict[str, object] | None = None) -> SkillContent:
    """A skill; another `text` is another version."""
    name = name or f"weigh-{uuid4().hex[:8]}"
    prompt = f"{text} {name}"
    files = {"SKILL.md": prompt.encode()}
    return SkillContent(name, "Weighs.", text, prompt, f"{abs(hash(prompt)):032x}", frontmatter or {}, files)


def checked(number: int, *, want: str = "120 g", family: str | None = None) -> GoldenCase:
    """A case that one check grades."""
    check = Check(CheckKind.CONTAINS, want)
    return GoldenCase(f"case-{number:03}", f"Weigh item {number}.", want, checks=(check,), family=family)


def judged(number: int) -> GoldenCase:
    """A case that needs a judge, with two assertions."""
    return GoldenCase(f"case-{number:03}", f"Weigh item {number}.", "120 g", assertions=("States it", "Has a unit"))


def ad_hoc(number: int) -> GoldenCase:
    return replace(checked(number), case_id=f"ad-hoc-{number}", source=CaseSource.AD_HOC)


def asks(
    skill: SkillContent,
    cases: Sequence[GoldenCase],
    models: Sequence[str] = ("m0", "m1"),
    *,
    judge: ModelRef | None = None,
    arms: tuple[Arm, ...] = (Arm.WITH_SKILL,),
    trials: int = 1,
    fresh: bool = False,
    of_record: bool = True,
) -> RunRequest:
    return RunRequest(
        content=skill,
        cases=cases,
        models=[ModelRef("test", name) for name in models],
        judge=judge,
        arms=arms,
        trials=trials,
        fresh=fresh,
        of_record=of_record,
        triggered_by="test",
    )


def judge_reply(levels: Sequence[int], evidence: str = "120 g") -> str:
    criteria = [{"evidence": evidence, "finding": "Seen.", "level": level} for level in levels]
    return json.dumps(
        {"criteria": criteria, "differences_from_expected": "none", "matches_expected": "yes", "notes": "Fine."}
    )


@dataclass
class Made:
    """Starts and serves runs; `reply` gives a model's answer from (model's name, prompt)."""

    bench: Bench

    @property
    def tenant_id(self) -> UUID:
        return self.bench.tenant_id

    async def run(
        self, request: RunRequest, reply: Reply = lambda model, prompt: "120 g", levels: Sequence[int] = (5, 4)
    ) -> UUID:
        """The id of the run, served to its end."""
        run_id = await self.bench.start(request)
        await self.bench.serve(run_id, self.caller(reply, levels))
        return run_id

    def caller(self, reply: Reply, levels: Sequence[int] = (5, 4)) -> Caller:
        def answer(asked: ModelRequest) -> str | ModelResponse:
            if asked.model == JUDGE:
                return canary_reply(asked.prompt) or judge_reply(levels)
            return reply(asked.model.name, asked.prompt)

        return Caller(answer, delay_s=0.001)
