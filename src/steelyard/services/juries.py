"""What a jury may be: which judges make one, what is said of it, and when a race cannot have it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from steelyard.domain.errors import InputError
from steelyard.domain.models import ModelRef
from steelyard.judging.default import same_family
from steelyard.judging.panel import MOST_JUDGES

if TYPE_CHECKING:
    from steelyard.services.run_request import RunRequest


def check_judges(judges: Sequence[ModelRef]) -> None:
    """Raises InputError for too many judges, or one named twice."""
    if len(judges) > MOST_JUDGES:
        raise InputError(
            f"{len(judges)} judges are too many for one jury.",
            field="judge",
            next_step=f"Name 2 to {MOST_JUDGES}, of different families where you can; one alone is no jury.",
        )
    names = [judge.text for judge in judges]
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise InputError(
            f"The judge {doubled} is given twice.",
            field="judge",
            next_step="Name each judge once: the same one again says nothing new.",
        )


def check_jury(request: RunRequest, digests: Sequence[str]) -> None:
    """Raises InputError for judges that make no jury, and for a race that this one cannot decide.

    `digests` has one for each of the request's judges.
    """
    judges = request.judges
    check_judges(judges)
    if len(set(digests)) < len(digests):
        alike = next(judge for place, judge in enumerate(judges) if digests[place] in digests[:place])
        raise InputError(
            f"The judge {alike.text} is the same as another one under a second name.",
            field="judge",
            next_step="Name each judge once: the same one again says nothing new.",
        )
    own = own_family(judges, request.models)
    if request.race is not None and len(judges) > 1 and own:
        raise InputError(
            f"A race drops models by the mean of all judges, and {own[0].text} is of a candidate's own family.",
            field="race",
            next_step="Run it without a race, or name judges of no candidate's family.",
        )


def own_family(judges: Sequence[ModelRef], models: Sequence[ModelRef]) -> list[ModelRef]:
    """The judges that are of the family of any of these models."""
    return [judge for judge in judges if same_family(judge, models)]


def jury_sentence(judges: Sequence[ModelRef], models: Sequence[ModelRef]) -> str:
    """What the screen says of a jury before a run."""
    names = [judge.text for judge in judges]
    said = f"Judge: a jury of {', '.join(names[:-1])} and {names[-1]}; their scores count alike."
    own = own_family(judges, models)
    if not own:
        return said
    some = ", ".join(judge.text for judge in own)
    are = "is" if len(own) == 1 else "are"
    if len(own) == len(judges):
        return (
            f"{said} All of them are of a candidate's own family: a best model is claimed only if it does not rest on"
            " what they give their own, and another judge of no candidate's family makes that likelier."
        )
    return f"{said} {some} {are} of a candidate's own family, whose models are scored without it."
