"""The same benchmark again: the agreement of an earlier run, on the skill and the golden cases of today. Pure."""

from __future__ import annotations

from steelyard.domain.models import ModelRef
from steelyard.domain.staleness import Staleness
from steelyard.execution.plan import Plan
from steelyard.services.selection import Choice
from steelyard.storage.runs import RunRow


def choice_again(run: RunRow, staleness: Staleness, *, triggered_by: str) -> Choice:
    """What to choose to repeat `run`, with its models, judge, arms, trials and limits.

    Where a change of the skill or its cases is the cause, answers that are paid for and still fit are used again. Where
    age is one, or nothing has changed, new answers are the point. Raises ModelRefError for a model that is no more one.
    """
    plan = Plan.from_json(run.plan)
    return Choice(
        models=tuple(ModelRef.parse(model) for model in plan.models),
        judge=None if plan.judge is None else ModelRef.parse(plan.judge),
        no_judge=plan.judge is None,
        arms=plan.arms,
        trials=plan.trials,
        max_tokens=plan.max_tokens,
        margin=plan.margin,
        threshold=plan.threshold,
        seed=plan.seed,
        budget_microcents=run.budget_microcents,
        fresh=not staleness.causes or any(cause.kind == "age" for cause in staleness.causes),
        triggered_by=triggered_by,
    )
