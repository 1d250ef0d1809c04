"""A run's jury on a terminal: each judge with its leniency, and what they add to each other."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from steelyard.cli import text as words
from steelyard.services.jury_words import agreement_sentence, family_sentences, worth_sentence
from steelyard.services.reports import RunReport

_LABEL = 8


def jury(report: RunReport, width: int) -> Iterator[Text]:
    """Nothing of a run that no jury has graded."""
    found = report.jury
    if found is None or not found.outputs:
        return
    yield Text("Jury", style="bold underline")
    for juror in found.jurors:
        family = f", family {words.safe(juror.family)}" if juror.family is not None else ""
        mean = "" if juror.mean is None else f"mean {words.points(juror.mean)}, "
        leniency = f"leniency {words.points(juror.leniency, signed=True)} points"
        yield _note(width, "Judge", f"{words.safe(juror.judge)}: {mean}{leniency}{family}")
    sentences = [worth_sentence(found), agreement_sentence(found), *family_sentences(found)]
    for place, sentence in enumerate(sentence for sentence in sentences if sentence is not None):
        yield _note(width, "" if place else "Note", words.safe(sentence, 600))


def _note(width: int, label: str, text: str) -> Text:
    return Text(f"{label:<{_LABEL}}", style="bold").append(words.hang(text, width, _LABEL), "not bold")
