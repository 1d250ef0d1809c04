"""A run's jury as its page shows it: every figure a text with its unit. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from steelyard.services.jury_words import agreement_sentence, family_sentences, worth_sentence
from steelyard.services.reports import RunReport
from steelyard.web.filters import UNKNOWN, points, signed
from steelyard.web.model_names import short_names


@dataclass(frozen=True)
class JurorLine:
    """`left_out`: the models it is not counted for, being of its family."""

    judge: str
    family: str
    mean: str
    leniency: str
    left_out: str


@dataclass(frozen=True)
class JuryView:
    """`worth`: whether the further judges added anything; `facts` are (label, sentence)."""

    worth: str
    lines: tuple[JurorLine, ...]
    facts: tuple[tuple[str, str], ...]


def jury_view(report: RunReport) -> JuryView | None:
    """None of a run that no jury has graded."""
    jury = report.jury
    if jury is None or not jury.outputs:
        return None
    names = short_names(report.names)
    agreement = agreement_sentence(jury)
    first, *rest = family_sentences(jury, names)
    return JuryView(
        worth=worth_sentence(jury),
        lines=tuple(
            JurorLine(
                judge=juror.judge,
                family=juror.family or UNKNOWN,
                mean=UNKNOWN if juror.mean is None else points(juror.mean),
                leniency=signed(juror.leniency),
                left_out=", ".join(names[model] for model in juror.own) if jury.without_own and juror.own else "none",
            )
            for juror in jury.jurors
        ),
        facts=(
            *([("Agreement", agreement)] if agreement is not None else []),
            ("Families", first),
            *(("", sentence) for sentence in rest),
        ),
    )
