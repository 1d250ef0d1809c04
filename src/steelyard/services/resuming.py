"""Whether a run that its budget stopped can go on with the budget it is given."""

from __future__ import annotations

from steelyard.domain.errors import InputError
from steelyard.domain.money import dollars
from steelyard.storage.runs import RunRow


def refuse_spent(run: RunRow, budget_microcents: int | None) -> None:
    """Raises InputError where the run would stop again at once; without a budget its own stands."""
    least = "at least " if run.spent_is_lower_bound else ""
    if run.stop_cause == "budget" and (budget_microcents or run.budget_microcents or 0) <= run.spent_microcents:
        raise InputError(
            f"The run has spent {least}{dollars(run.spent_microcents)}, so it would stop again at once.",
            field="budget",
            next_step="Give it a budget above that.",
        )
