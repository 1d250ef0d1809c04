"""Whether this process can serve a run or a review as it was planned: the same models behind the same names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from steelyard.domain.errors import SteelyardError
from steelyard.domain.models import ModelRef
from steelyard.execution.plan import Plan
from steelyard.judging import Judge
from steelyard.judging.review import review_digest


class KnownModels(Protocol):
    """What can be told of models before a call is made."""

    def check(self, ref: ModelRef) -> None:
        """Raises ModelRefError or MissingKey."""

    def identity(self, ref: ModelRef) -> str:
        """The stable text of a model, its base URL included where it is not the vendor's own."""
        ...


def why_unfit(plan: Plan, models: KnownModels, make_judge: Callable[[ModelRef], Judge]) -> str | None:
    """Why calls made here would not be those the plan stands for, in one sentence; None when they would be."""
    try:
        for text, identity in zip(plan.models, plan.identities, strict=True):
            ref = ModelRef.parse(text)
            models.check(ref)
            if models.identity(ref) != identity:
                return f"{text} is another model here than the run was planned with (its address, weights or settings)."
        for juror in plan.jurors:
            judge = ModelRef.parse(juror.judge)
            models.check(judge)
            if make_judge(judge).digest != juror.digest:
                return f"The judge {juror.judge} is not the same here (its address, weights or version of its prompt)."
    except SteelyardError as error:
        return error.message
    return None


def why_review_unfit(model: ModelRef, protocol: str, models: KnownModels) -> str | None:
    """Why a review made here would not be the one asked for, in one sentence; None when it would be."""
    try:
        models.check(model)
        if review_digest(models.identity(model)) != protocol:
            return f"{model.text} is not the same reviewer here (its address, weights or version of its prompt)."
    except SteelyardError as error:
        return error.message
    return None
