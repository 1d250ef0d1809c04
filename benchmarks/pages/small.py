"""The small tenant: thirty skills, one of them with a year of use, made by the real services from a seed."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from benchmarks.pages.actors import Actors
from benchmarks.pages.facts import FactCase, invoice_cases, prose_cases
from benchmarks.pages.library import (
    COMMENTS_DOWN,
    COMMENTS_UP,
    MAIN,
    OTHERS,
    SUGGESTIONS,
    main_skill,
    other_skill,
)
from benchmarks.pages.stage import Stage, models
from steelyard.domain.calls import Usage
from steelyard.domain.cases import CaseSource, GoldenCase
from steelyard.domain.feedback import Feedback, FeedbackType, SuggestionStatus
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.domain.usage import Measurement
from steelyard.services.case_text import CaseDraft
from steelyard.services.run_request import RunRequest
from steelyard.storage.database import Database
from steelyard.storage.tenants import ensure_tenant

JUDGE = ModelRef("anthropic", "claude-sonnet-5-5")
RUNS = 25
_YEAR = 365
_VERSION_DAYS = (364, 300, 210, 95, 3)
_LAST_RUN_DAYS = 12
_EARLY = (
    "anthropic:claude-sonnet-4-5",
    "anthropic:claude-haiku-4-5",
    "openai:gpt-4.1-mini",
    "google:gemini-2.5-flash",
    "google:gemini-3-pro-preview",
    "local:smollm2-135m",
)
_MIDDLE = (
    "anthropic:claude-sonnet-4-5",
    "anthropic:claude-haiku-4-5",
    "openai:gpt-5.4-mini",
    "openai:gpt-4.1-mini",
    "google:gemini-3-flash-preview",
    "google:gemini-3-pro-preview",
    "workshop:brass-7b",
)
_LATE = (
    "anthropic:claude-sonnet-5",
    "anthropic:claude-haiku-4-5",
    "openai:gpt-5.4",
    "openai:gpt-5.4-mini",
    "google:gemini-3-pro-preview",
    "google:gemini-3-flash-preview",
    "workshop:brass-7b",
)
_LAST = (*_LATE, "anthropic:claude-sonnet-4-5", "local:smollm2-135m")
_TROUBLES = {
    ("openai:gpt-5.4-mini", 3): "refused",
    ("local:smollm2-135m", 1): "empty",
    ("local:smollm2-135m", 6): "cut",
    ("local:smollm2-135m", 9): "context",
    ("google:gemini-3-pro-preview", 5): "rate_limited",
    ("workshop:brass-7b", 2): "hostile",
    ("workshop:brass-7b", 7): "network",
    ("workshop:brass-7b", 8): "timeout",
    ("anthropic:claude-haiku-4-5", 4): "judge",
}
_BOTH = (Arm.WITH_SKILL, Arm.WITHOUT_SKILL)


async def small_tenant(
    database: Database, tenant_id: UUID, *, seed: int = 1, now: datetime | None = None, runs: int = RUNS
) -> UUID:
    """Fill an empty tenant; returns the id of its main skill. `runs` (at least 4) are those of record of the latter."""
    async with database.tenant(tenant_id) as connection:
        await ensure_tenant(connection, tenant_id, "local")
    actors = Actors(seed)
    async with Stage(database, tenant_id, actors, now or datetime.now(UTC)) as stage:
        skill_id = await _main(stage, seed, runs)
        for number, (name, description, topic, subjects) in enumerate(OTHERS):
            await _other(stage, seed, number, name, description, topic, subjects)
    return skill_id


async def _main(stage: Stage, seed: int, count: int) -> UUID:
    invoices = invoice_cases(seed, 26)
    stage.actors.know(invoices)
    files, written, example, pending, rejected = invoices[:22], *invoices[22:]
    version = -1
    skill_id: UUID | None = None
    for number in range(count):
        days = 355 - (355 - _LAST_RUN_DAYS) * number / (count - 1)
        while version < 3 and _VERSION_DAYS[version + 1] > days:
            version += 1
            known = files[: 10 + 4 * version]
            row = await stage.skills.add(stage.tenant_id, main_skill(version), [made.case for made in known])
            skill_id = row.id
            await stage.backdate(skill_id, stage.ago(_VERSION_DAYS[version]))
        assert skill_id is not None
        if number == count - 4:
            await stage.cases.add(stage.tenant_id, skill_id, _draft(written), author="Mara Lind")
            await _accept_example(stage, skill_id, example, stage.ago(days + 1))
            await stage.backdate(skill_id, stage.ago(days + 0.5))
        await _run_of_record(stage, number, count, days, version)
    assert skill_id is not None
    await _other_runs(stage)
    await _after(stage, skill_id, pending, rejected)
    await _feedback(stage, skill_id, seed, invoices[:4])
    await _usage(stage, skill_id, seed)
    return skill_id


async def _run_of_record(stage: Stage, number: int, count: int, days: float, version: int) -> None:
    content, cases = await stage.skills.content(stage.tenant_id, MAIN)
    share = number / (count - 1)
    last = number == count - 1
    chosen = _LAST if last else _LATE if share > 0.6 else _MIDDLE if share > 0.3 else _EARLY
    stage.actors.moment, stage.actors.boost = share, 0.12 * version
    stage.actors.troubles = _TROUBLES if last else {}
    request = RunRequest(
        content=content,
        cases=cases,
        models=models(*chosen),
        judge=JUDGE,
        arms=_BOTH if number >= count - 3 else (Arm.WITH_SKILL,),
        fresh=True,
        triggered_by="web" if number % 3 else "cli",
        budget_microcents=500_000_000 if number % 2 else None,
    )
    await stage.run(request, stage.ago(days), minutes=3 + 6 * share)


async def _other_runs(stage: Stage) -> None:
    """A run of cases typed in, one that was cancelled, and one that its budget ended; none is of record."""
    content, cases = await stage.skills.content(stage.tenant_id, MAIN)
    stage.actors.troubles = {}
    typed = [replace(case, source=CaseSource.AD_HOC, case_id=f"ad-hoc-{n}") for n, case in enumerate(cases[:3], 1)]
    request = RunRequest(content=content, cases=typed, models=models(*_LATE[:3]), judge=JUDGE, fresh=True)
    await stage.run(replace(request, of_record=False, triggered_by="web"), stage.ago(11), minutes=0.6)
    of_dev = [case for case in cases if case.case_set == "dev"]
    request = replace(request, cases=of_dev, of_record=False)
    await stage.run(request, stage.ago(10), minutes=0.3, batches=2)
    await stage.run(replace(request, budget_microcents=3_000_000, seed=7), stage.ago(9), minutes=0.5)


async def _after(stage: Stage, skill_id: UUID, pending: FactCase, rejected: FactCase) -> None:
    """What came after the last run: a new version, a proposed case and a rejected one, suggestions and reviews."""
    await stage.skills.add(stage.tenant_id, main_skill(4), await _folder_cases(stage, skill_id))
    await stage.backdate(skill_id, stage.ago(_VERSION_DAYS[4]))
    proposed = await stage.cases.propose(stage.tenant_id, skill_id, _draft(rejected), author="Jonas Weber")
    await stage.cases.reject(stage.tenant_id, proposed.id, why="Another unit than the skill is for.")
    await stage.backdate(skill_id, stage.ago(6))
    await stage.cases.propose(stage.tenant_id, skill_id, _draft(pending), author="Priya Nair")
    await stage.backdate(skill_id, stage.ago(2))
    for number, (title, body, status) in enumerate(SUGGESTIONS):
        author = ("Priya Nair", "Jonas Weber", "Mara Lind")[number % 3]
        made = await stage.suggestions.add(stage.tenant_id, skill_id, title=title, body=body, author=author)
        if status != "open":
            await stage.suggestions.decide(stage.tenant_id, skill_id, made, SuggestionStatus(status))
        await stage.backdate(skill_id, stage.ago(4 + 17 * number))
    for model, days, trouble in (
        ("openai:gpt-5.4", 60, ""),
        ("workshop:brass-7b", 30, "unreadable"),
        ("anthropic:claude-sonnet-5-5", 2.5, ""),
    ):
        stage.actors.troubles = {(model, 0): trouble} if trouble else {}
        await stage.review(skill_id, model, stage.ago(days), seconds=23, by="Mara Lind")


async def _folder_cases(stage: Stage, skill_id: UUID) -> list[GoldenCase]:
    entries = await stage.cases.list(stage.tenant_id, skill_id, source=CaseSource.FILE)
    return [entry.case for entry in entries]


def _draft(made: FactCase) -> CaseDraft:
    return replace(CaseDraft.of(made.case), key=None)


def _example(made: FactCase, author: str) -> Feedback:
    return Feedback(
        FeedbackType.TRAINING_EXAMPLE,
        comment="This is how it should have come out.",
        example_input=made.case.input,
        example_output=made.answer({fact.key: fact.wrong[0] for fact in made.facts}),
        expected_output=made.case.expected,
        author=author,
        model_name="anthropic:claude-haiku-4-5",
    )


async def _accept_example(stage: Stage, skill_id: UUID, made: FactCase, at: datetime) -> None:
    row = await stage.feedback.add(stage.tenant_id, skill_id, _example(made, "Jonas Weber"), at=at)
    stage.actors.know([made])
    await stage.cases.accept_example(stage.tenant_id, row.id, _draft(made))


async def _feedback(stage: Stage, skill_id: UUID, seed: int, seen: list[FactCase]) -> None:
    dice = Random(f"feedback {seed}")
    for number in range(160):
        days = _YEAR * dice.random() ** 2
        good = dice.random() < 0.7 + 0.2 * (1 - days / _YEAR)
        comment = dice.choice(COMMENTS_UP if good else COMMENTS_DOWN)
        model = dice.choice(_LATE[:6])
        if number % 4 == 3:
            score = dice.randrange(7, 11) if good else dice.randrange(2, 7)
            given = Feedback(FeedbackType.RATING, score, comment, model_name=model)
        else:
            thumb = FeedbackType.THUMB_UP if good else FeedbackType.THUMB_DOWN
            given = Feedback(thumb, None, comment, model_name=model)
        await stage.feedback.add(stage.tenant_id, skill_id, given, at=stage.ago(days))
    for made, days in zip(seen, (1, 5, 20, 41), strict=True):
        changed = replace(made.case, input=f"{made.case.input}\nScanned twice.")
        example = _example(replace(made, case=changed), "Priya Nair")
        row = await stage.feedback.add(stage.tenant_id, skill_id, example, at=stage.ago(days))
        if days == 41:
            await stage.feedback.reject(stage.tenant_id, row.id, why="Scanned twice by mistake.")
    await stage.backdate(skill_id, stage.ago(1))


async def _usage(stage: Stage, skill_id: UUID, seed: int) -> None:
    """A year of use: more of it on weekdays and as time goes by, older models giving way to newer ones."""
    dice = Random(f"usage {seed}")
    batch: list[Measurement] = []
    for back in range(_YEAR - 1, -1, -1):
        share = 1 - back / _YEAR
        weekend = (stage.now - timedelta(days=back)).weekday() >= 5
        expected = (22 + 46 * share) * (0.35 if weekend else 1) * (1.7 if 118 <= back < 131 else 1)
        uses = max(0, round(dice.gauss(expected, math.sqrt(expected))))
        batch += [_use(dice, skill_id, stage.now, back, share) for _ in range(uses)]
    for start in range(0, len(batch), 5_000):
        await stage.usage.record(stage.tenant_id, batch[start : start + 5_000])


def _use(dice: Random, skill_id: UUID, now: datetime, back: int, share: float) -> Measurement:
    chance = dice.random()
    if 33 <= back < 41 and chance < 0.25:
        name, pace = "workshop:brass-7b", 900.0
    elif chance < max(0.0, 0.9 - 1.6 * share):
        name, pace = "openai:gpt-4.1-mini", 1_400.0
    elif chance < 0.82:
        name, pace = "anthropic:claude-haiku-4-5", 1_700.0
    else:
        name, pace = ("anthropic:claude-sonnet-5", 3_900.0) if share > 0.6 else ("anthropic:claude-sonnet-4-5", 4_600.0)
    cached = dice.random() < 0.4
    sent = round(620 + 380 * dice.random() ** 3 + 160 * share)
    tokens = Usage(sent, round(dice.gauss(118, 24)), 512 if cached else 0)
    at = min(now, now - timedelta(days=back, hours=-7, seconds=dice.randrange(36_000)))
    latency = None if dice.random() < 0.02 else pace * math.exp(dice.gauss(0, 0.4))
    return Measurement(skill_id, at, ModelRef.parse(name), tokens, latency_ms=latency, source="otlp")


async def _other(
    stage: Stage, seed: int, number: int, name: str, description: str, topic: str, subjects: tuple[str, ...]
) -> None:
    """One of the other skills. Every sixth was never benchmarked, every ninth has no cases; some are stale."""
    dice = Random(f"other {seed} {name}")
    made = prose_cases(seed + number, topic, subjects, dice.randrange(9, 17))
    stage.actors.know(made)
    has_cases = number % 9 != 5
    cases = [one.case for one in made] if has_cases else []
    row = await stage.skills.add(stage.tenant_id, other_skill(name, description), cases)
    await stage.backdate(row.id, stage.ago(dice.randrange(150, 300)))
    if has_cases and number % 6 != 3:
        days = dice.choice((2, 9, 31, 55, 120))
        stage.actors.moment, stage.actors.boost, stage.actors.troubles = 1 - days / _YEAR, dice.uniform(-0.5, 0.5), {}
        chosen = dice.sample(_LATE, dice.randrange(1, 5))
        content, kept = await stage.skills.content(stage.tenant_id, name)
        request = RunRequest(
            content=content, cases=kept, models=models(*chosen), judge=JUDGE, arms=(Arm.WITH_SKILL,), fresh=True
        )
        await stage.run(request, stage.ago(days), minutes=2)
        if number % 7 == 2:
            await stage.skills.add(stage.tenant_id, other_skill(name, description, version=1), cases)
        if number % 7 == 4:
            await stage.cases.add(stage.tenant_id, row.id, CaseDraft(f"{topic}: nothing is known.", "Ask for more."))
        await stage.backdate(row.id, stage.ago(min(days - 1, 4)))
    for _ in range(dice.choice((0, 0, 3, 12, 25))):
        thumb = FeedbackType.THUMB_UP if dice.random() < 0.75 else FeedbackType.THUMB_DOWN
        await stage.feedback.add(stage.tenant_id, row.id, Feedback(thumb), at=stage.ago(_YEAR * dice.random()))
    if number % 3 == 0:
        share = number / len(OTHERS)
        batch = [_use(dice, row.id, stage.now, dice.randrange(90), share) for _ in range(dice.randrange(40, 400))]
        await stage.usage.record(stage.tenant_id, batch)
