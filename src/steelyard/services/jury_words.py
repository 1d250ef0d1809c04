"""What a jury came to, in sentences: whether the further judges added anything, and what own families decide. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steelyard.execution.sitting import FamilyAdvantage, JuryFigures

# So many independent judges at least, above one, are worth asking for.
WORTH = 1.25
# Below this mean correlation judges do not agree on what is good, which is no gain of independence.
ALIKE = 0.2
_UNKNOWN = {
    "too_few_cases": "fewer than 8 cases are graded for every model",
    "too_few_clusters": "the cases come from fewer than 8 families",
    "not_comparable": "the judges share no model that is of neither's family",
    "no_own_family": "no judge is of a candidate's family",
    "one_juror": "one judge has nobody to be compared with",
}


def worth_sentence(jury: JuryFigures) -> str:
    """Whether the further judges added anything."""
    k = len(jury.jurors)
    if jury.n_eff is None or jury.rho is None:
        return f"How much the {k} judges add to each other cannot be told from {jury.outputs:,} outputs."
    said = f"The {k} judges are worth {jury.n_eff:.1f} independent ones (mean correlation {jury.rho:.2f})"
    if jury.rho < ALIKE:
        return f"{said}, but they hardly agree: not all of them can be measuring the same quality."
    if jury.n_eff < WORTH:
        return f"{said}: the further ones added little, one would have said nearly the same."
    return f"{said}: the further ones added to what one would have said."


def agreement_sentence(jury: JuryFigures) -> str | None:
    """How alike the judges grade; None where it cannot be told."""
    if jury.spearman is None and jury.alpha is None:
        return None
    spearman = "unknown" if jury.spearman is None else f"{jury.spearman:.2f}"
    alpha = "unknown" if jury.alpha is None else f"{jury.alpha:.2f}"
    return (
        f"They graded {jury.outputs:,} outputs with Spearman {spearman} (mean over pairs) and Krippendorff's alpha"
        f" {alpha}; 1 is perfect agreement."
    )


def family_sentences(jury: JuryFigures, names: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """How own families were dealt with, and whether they are favoured. `names`: how models are to be called."""
    called = names or {}
    if not jury.own:
        return ("No judge is of a candidate's family, so that every score counts and leniency cancels out.",)
    own = "; ".join(
        f"{', '.join(called.get(model, model) for model in juror.own)} without {juror.judge}"
        for juror in jury.jurors
        if juror.own
    )
    said = [
        f"Scored without judges of their own family, and with leniency taken out: {own}. Single cells show the mean of"
        " all judges."
        if jury.without_own
        else "Without own-family scores too few are left to compare the models by, so all of them are shown."
    ]
    if jury.advantage_reason is not None:
        said.append(f"Whether judges favour their own family cannot be told: {_UNKNOWN[jury.advantage_reason]}.")
    said += [advantage_sentence(one) for one in jury.advantages]
    # Where it does not hold that is said before anything else, as a caution.
    if jury.everyone is not None and jury.holds:
        said.append(f"With all scores the verdict would be: {jury.everyone}")
    return tuple(said)


def advantage_sentence(one: FamilyAdvantage) -> str:
    """`Judges of gpt give their own family +5.1 points (95% interval …)`."""
    who = "Judges" if one.family is None else f"Judges of {one.family}"
    shown = "shown" if one.named else "not shown"
    return (
        f"{who} give their own family {_signed(one.points)} points more than the others do (95% interval"
        f" {_signed(one.low)} to {_signed(one.high)}): favour is {shown}."
    )


def jury_json(jury: JuryFigures) -> dict[str, Any]:
    """The key `jury` of `steelyard.run/1`; what cannot be told is null."""
    data = jury.to_json()
    for juror in data["jurors"]:
        # Of sums of floating point numbers no more is known; adding zero takes the sign off a zero.
        juror["leniency"] = round(juror["leniency"], 6) + 0.0
    return data | {"worth": worth_sentence(jury), "verdict_with_all_scores": data.pop("everyone")}


def _signed(value: float) -> str:
    return f"{round(value, 1) + 0.0:+.1f}".replace("-", "−")
