"""A run as a person reads it: the verdict first, then the figures it rests on, then what to do next."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from steelyard.cli import text as words
from steelyard.cli.certificate import certificate_lines
from steelyard.cli.comparison import comparison, plot, skill_effect
from steelyard.cli.failures import failures
from steelyard.cli.jury import jury
from steelyard.cli.race import race
from steelyard.cli.tie_break import tie_breaks
from steelyard.cli.verdict_detail import verdict_in_full
from steelyard.domain.money import dollars
from steelyard.domain.runs import JUDGE_REFUSED, RunStatus
from steelyard.domain.spending import MONTH_BUDGET
from steelyard.services.certificates import failed_judges
from steelyard.services.reports import RunReport
from steelyard.services.skill_effect import lifts
from steelyard.statistics import SkillEffect

_LABEL = 8
INTERRUPTED = "interrupted"
"""The word for a run that is running by its row while no worker serves it."""


def render(report: RunReport, width: int) -> Iterator[Text]:
    """Paragraphs from top to bottom; tables fit `width`, sentences are to be wrapped at it."""
    yield from headline(report)
    for section in (
        comparison(report, width),
        tie_breaks(report, width),
        race(report, width),
        skill_effect(report, width),
        plot(report, width),
        verdict_in_full(report, width),
        jury(report, width),
        notes(report, width),
        failures(report, width),
        closing(report, width),
    ):
        lines = list(section)
        if lines:
            yield Text()
            yield from lines


def headline(report: RunReport) -> Iterator[Text]:
    """The verdict in one sentence; below it what makes it less than whole, and any harm the skill does.

    Harm is told where it is proven, or larger than the margin that does not matter.
    """
    style = {"best": "bold green", "tied": "bold cyan", "single": "bold", "not_enough": "bold yellow"}
    if report.mark is not None:
        yield Text(words.safe(report.mark), style="bold red")
    yield Text(verdict_sentence(report), style=style[report.verdict.kind])
    partial = _partial(report)
    if partial:
        yield Text(partial, style="yellow")
    for lift in lifts(report):
        if lift.effect not in (SkillEffect.HURTS, SkillEffect.MAY_HURT):
            continue
        proven = lift.effect is SkillEffect.HURTS
        shown = words.interval(lift.low, lift.high, signed=True)
        interval = f", 95% interval {shown}" if shown else ""
        extent = f"{words.points(lift.points, signed=True)} points{interval}, n = {lift.n:,}"
        claim = "makes" if proven else "may make"
        yield Text(
            f"The skill {claim} {words.safe(lift.model)} worse: {extent}{'' if proven else ', not proven'}.",
            style="bold red" if proven else "red",
        )


def verdict_sentence(report: RunReport) -> str:
    """The verdict's own sentence, tamed."""
    return words.safe(report.sentence)


def notes(report: RunReport, width: int) -> Iterator[Text]:
    """Cells, grading and money, each on a line of its own."""
    run, counts = report.run, report.counts
    called = "planned" if report.raced is None else "in its rounds"
    cells = [f"{counts.planned:,} {called}", f"{counts.answered:,} answered"]
    if counts.failed:
        cells.append(f"{counts.failed:,} failed (scored 0)")
    if counts.missing:
        cells.append(f"{counts.missing:,} missing (not scored)")
    yield _note(width, "Cells", ", ".join(cells))
    if counts.reused:
        yield _note(width, "Reused", f"{counts.reused:,} of {counts.planned:,} cells: paid before, not called again")
    if run.judge is None:
        yield _note(width, "Graded", "by deterministic checks only, no judge")
    else:
        digest = f" (digest {run.judge_digest[:12]})" if run.judge_digest else ""
        by_all = " by all of a jury" if report.jury is not None else ""
        graded = f"{counts.judged:,} of {words.count(counts.answered, 'answer')} graded{by_all}"
        style = "yellow" if counts.judged < counts.answered else ""
        yield _note(width, "Graded", f"by {words.safe(run.judge)}{digest}: {graded}", style)
        if report.quotes.flagged:
            verb = "quotes" if report.quotes.flagged == 1 else "quote"
            of = f"{report.quotes.flagged:,} of {words.count(report.quotes.judgements, 'judgement')}"
            yield _note(width, "", f"{of} {verb} what is not in the output: evidence not verified", "yellow")
    for certificate in report.certificates:
        lines = certificate_lines(certificate, under_way=run.status in (RunStatus.PENDING, RunStatus.RUNNING))
        named = f"{words.safe(certificate.judge)}: " if len(report.certificates) > 1 else ""
        for place, (line, style) in enumerate(lines):
            yield _note(width, "" if place else "Judge", f"{'' if place else named}{line}", style)
    yield _note(width, "Spent", _spent(report))
    if not run.of_record:
        yield _note(width, "Cases", "ad hoc or a selection: this is not the skill's benchmark of record")


def closing(report: RunReport, width: int) -> Iterator[Text]:
    """Where to find it again, and how to go on when something is left."""
    run, counts = report.run, report.counts
    short = str(run.id)[:8]
    status = INTERRUPTED if run.unserved else run.status
    yield _note(width, "Run", f"{short} of {words.safe(run.skill_name)}, {status}; again: steelyard runs show {short}")
    ungraded = run.judge is not None and counts.judged < counts.answered
    if run.waits is not None:
        yield _note(width, "Waits", words.safe(run.waits, 800))
    if run.unserved:
        yield _note(width, "Next", f"steelyard runs resume {short} does what is left; what is paid is not paid again")
    if run.status in (RunStatus.PENDING, RunStatus.RUNNING):
        return
    if run.stop_cause == JUDGE_REFUSED:
        yield _note(
            width,
            "Next",
            "the same command with another --judge uses every answer again;"
            f" steelyard runs resume {short} --accept-judge goes on with this one, and every report says so",
        )
    elif run.stop_cause == MONTH_BUDGET:
        yield _note(
            width,
            "Next",
            f"an admin can raise it with steelyard budget set; then steelyard runs resume {short} goes on, and what is"
            " paid is not paid again",
        )
    elif run.stop_cause == "budget":
        yield _note(
            width, "Next", f"steelyard runs resume {short} --budget USD goes on; what is paid is not paid again"
        )
    elif counts.missing or ungraded or run.partial:
        yield _note(width, "Next", f"steelyard runs resume {short} does what is left; what is paid is not paid again")


def _partial(report: RunReport) -> str | None:
    run, counts = report.run, report.counts
    done = f"{counts.answered + counts.failed:,} of {words.count(counts.planned, 'cell')}"
    if run.unserved:
        return f"A preview, no verdict yet: the run was interrupted, no worker serves it, {done} are done."
    if run.status in (RunStatus.PENDING, RunStatus.RUNNING):
        return f"A preview, no verdict yet: the run is {run.status}, {done} are done."
    if run.stop_cause == "budget":
        budget = "" if run.budget_microcents is None else f" of {dollars(run.budget_microcents)}"
        return f"Partial: stopped by its budget{budget} with {done} done."
    if run.stop_cause == MONTH_BUDGET:
        return f"Partial: stopped by the budget of the month with {done} done. {words.safe(run.error_message or '')}"
    if run.status == RunStatus.CANCELLED:
        return f"Partial: cancelled with {done} done."
    if run.stop_cause == JUDGE_REFUSED:
        kept = words.count(counts.answered, "answer")
        failed = failed_judges(run)
        # What it scored stands below, in the rows of its examination.
        named = words.safe(failed[:1].lower() + failed[1:])
        return f"Stopped, {kept} kept: {named} examination, so no score of it counts."
    if run.status == RunStatus.FAILED:
        return f"Failed with {done} done: {words.safe(run.error_message or 'no reason given', 300)}"
    return None


def _spent(report: RunReport) -> str:
    run = report.run
    shown = words.spent(run.spent_microcents, run.spent_is_lower_bound)
    if run.judge is not None:
        shown += f", of which judge {words.spent(run.judge_spent_microcents, run.judge_spent_is_lower_bound)}"
    if run.budget_microcents is not None:
        shown += f"; budget {dollars(run.budget_microcents)}"
    return shown + ("; some prices or usages are unknown" if run.spent_is_lower_bound else "")


def _note(width: int, label: str, text: str, style: str = "") -> Text:
    """A label and a sentence wrapped beside it."""
    return Text(f"{label:<{_LABEL}}", style="bold").append(words.hang(text, width, _LABEL), style or "not bold")
