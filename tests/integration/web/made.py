"""Skills with runs whose cells are made up, written as workers write them: pages can be looked at without a call."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from steelyard.domain.cases import GoldenCase
from steelyard.domain.models import ModelRef
from steelyard.domain.runs import Arm
from steelyard.domain.skills import SkillContent
from steelyard.execution.conclude import conclude
from steelyard.execution.plan import CellGrid, Plan
from steelyard.skills.digest import digest
from steelyard.storage import results, runs, standing
from steelyard.storage.results import AnswerWrite, GradeWrite
from steelyard.workbench import Workbench

NOW = datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True)
class MadeModel:
    """A model as it will have behaved: mean quality 0-100, what a call costs in microcents (None unknown), latency."""

    text: str
    quality: float
    cost: int | None = 400_000
    latency_ms: float = 1200.0
    failures: int = 0


def content(name: str = "weigh", body: str = "Weigh it.\n", description: str = "Weighs things.") -> SkillContent:
    files = {"SKILL.md": body.encode()}
    return SkillContent(name, description, body, body, digest(files), files=files)


def cases(count: int) -> list[GoldenCase]:
    return [GoldenCase(f"case-{place}", f"How heavy is number {place}?", f"{place} g") for place in range(count)]


async def made_skill(
    bench: Workbench, tenant_id: UUID, skill: SkillContent | None = None, golden: Sequence[GoldenCase] | int = 12
) -> UUID:
    """A skill with golden cases; returns its id."""
    given = cases(golden) if isinstance(golden, int) else list(golden)
    return (await bench.skills.add(tenant_id, skill or content(), given)).id


async def made_run(
    bench: Workbench,
    tenant_id: UUID,
    skill_id: UUID,
    models: Sequence[MadeModel],
    *,
    arms: tuple[Arm, ...] = (Arm.WITH_SKILL,),
    judge: str | None = "anthropic:claude-sonnet-5",
    judge_digest: str | None = "j" * 64,
    at: datetime = NOW,
    of_record: bool = True,
    unfinished: float = 0.0,
    seed: int = 1,
) -> UUID:
    """A run of the skill's current version on its accepted cases, of which the share `unfinished` is not done."""
    kept = await bench.skills.kept(tenant_id, skill_id)
    golden = [row.case for row in kept.cases]
    plan = Plan(
        models=tuple(model.text for model in models),
        identities=tuple(model.text for model in models),
        arms=arms,
        trials=1,
        case_ids=tuple(row.id for row in kept.cases),
        skill_digest=kept.content.digest,
        max_tokens=1024,
        seed=seed,
        margin=5.0,
        threshold=70.0,
        judge=judge,
        judge_digest=judge_digest,
    )
    noise = random.Random(seed)
    hard = [noise.gauss(0, 8) for _ in golden]
    cells = CellGrid(plan, golden, kept.content.prompt).all()
    noise.shuffle(cells)
    async with bench.database.tenant(tenant_id) as connection:
        run_id = await runs.insert_run(
            connection,
            tenant_id,
            skill_id=skill_id,
            skill_version_id=kept.version_id,
            triggered_by="test",
            of_record=of_record,
            plan=plan.to_json(),
            plan_digest=plan.digest,
            planned=plan.planned,
            fresh=False,
            budget_microcents=None,
        )
        await runs.start_run(connection, run_id)
        answers: list[AnswerWrite] = []
        grades: list[GradeWrite] = []
        for cell in cells[: round(len(cells) * (1 - unfinished))]:
            model, case = models[cell.model_index], golden[cell.case_index]
            failed = cell.case_index < model.failures and cell.arm is Arm.WITH_SKILL
            lift = 0.0 if cell.arm is Arm.WITH_SKILL else -12.0
            quality = min(100.0, max(0.0, model.quality + lift + hard[cell.case_index] + noise.gauss(0, 5)))
            made = uuid4()
            answers.append(
                AnswerWrite(
                    id=made,
                    model_name=model.text,
                    model_provider=ModelRef.parse(model.text).provider,
                    arm=cell.arm.value,
                    trial=cell.trial,
                    test_case_index=cell.case_index,
                    case_id=plan.case_ids[cell.case_index],
                    cell_digest=cell.digest,
                    grading_digest=f"{judge_digest}-{case.grading_digest}",
                    state="failed" if failed else "answered",
                    input_used=case.prompt,
                    output_produced=None if failed else f"about {cell.case_index} g",
                    expected_output=case.expected,
                    input_tokens=900 + 10 * cell.case_index,
                    output_tokens=200 + round(noise.random() * 100),
                    total_tokens=1100 + 10 * cell.case_index,
                    latency_ms=model.latency_ms * (0.7 + noise.random()),
                    estimated_cost_microcents=None
                    if model.cost is None
                    else round(model.cost * (0.8 + 0.4 * noise.random())),
                    price_version="made",
                    price_date=at.date(),
                    failure_kind="empty" if failed else None,
                )
            )
            if not failed:
                grades.append(
                    GradeWrite(
                        result_id=made,
                        grading_digest=f"{judge_digest}-{case.grading_digest}",
                        state="judged",
                        quality_score=quality,
                        passed=quality >= plan.threshold,
                    )
                )
        await results.write_answers(connection, tenant_id, run_id, answers)
        await results.write_grades(connection, tenant_id, grades)
        spent = sum(answer.estimated_cost_microcents or 0 for answer in answers)
        await results.add_spending(connection, run_id, spent=spent, judge_spent=0, lower_bound=False)
        if not unfinished:
            await conclude(connection, tenant_id, run_id)
            # As if it had been run then.
            await connection.execute(
                """UPDATE benchmark_runs SET created_at = %s, started_at = %s, completed_at = %s, answers_since = %s
                    WHERE id = %s""",
                (at - timedelta(minutes=4), at - timedelta(minutes=4), at, at, run_id),
            )
            await standing.refresh_benchmark(connection, run_id)
    return run_id
