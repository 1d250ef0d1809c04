"""What a run's page says beside its verdict: why it is less than whole, what failed, and what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from steelyard.domain.calls import FailureKind
from steelyard.domain.runs import JUDGE_REFUSED, Arm, RunStatus
from steelyard.domain.spending import MONTH_BUDGET
from steelyard.services.certificates import failed_judges
from steelyard.services.reports import RunReport
from steelyard.services.run_view import RunView
from steelyard.services.skill_effect import lifts
from steelyard.services.verdict_detail import cautions
from steelyard.statistics import SkillEffect
from steelyard.web.filters import money, plural, points, signed
from steelyard.web.model_names import short_names

Tone = Literal["warn", "bad"]


@dataclass(frozen=True)
class Notice:
    """One thing a reader of the verdict must know. `detail` may be hostile text."""

    tone: Tone
    title: str
    detail: str = ""


@dataclass(frozen=True)
class FailureLine:
    """Cells of one model that ended in one way. `message` is the provider's own, hostile text."""

    model: str
    words: str
    cells: int
    fate: str
    message: str
    next_step: str


def is_resumable(view: RunView) -> bool:
    """Whether something is left to do: cells without an answer, or a grade that its judge can give, in an ended run."""
    report = view.report
    if view.progress.under_way or report is None:
        return False
    ungraded = view.judge is not None and _ungraded(report) > 0
    return view.run.status != RunStatus.COMPLETED or report.counts.missing > 0 or ungraded


def notices(view: RunView) -> list[Notice]:
    """In the order of their weight; empty for a whole run that harms nobody."""
    report = view.report
    if report is None:
        return []
    found = [*_stopped(report, view.progress.ended), *_harm(report)]
    if report.mark is not None:
        mark, _, missed = report.mark.partition(": ")
        found.insert(0, Notice("bad", f"{mark}.", missed[:1].upper() + missed[1:]))
    if report.counts.missing and view.run.status == RunStatus.COMPLETED and view.run.stop_cause is None:
        found.append(
            Notice(
                "warn",
                f"{plural(report.counts.missing, 'cell')} of {report.counts.planned:,} missing.",
                "Missing cells are not scored. A model that misses over 5% of its cells is left out of the verdict.",
            )
        )
    ungraded = _ungraded(report)
    if ungraded and view.judge is None:
        need = "needs" if ungraded == 1 else "need"
        kept = "answer is kept and" if ungraded == 1 else "answers are kept and"
        found.append(
            Notice(
                "warn",
                f"{plural(ungraded, 'answer')} {need} a judge, and none was chosen.",
                f"Run again with a judge: the {kept} not paid for again.",
            )
        )
    elif ungraded:
        whole = view.run.status == RunStatus.COMPLETED and view.run.stop_cause is None
        why = "The judge gave no usable grade for them." if whole else "The run ended before."
        found.append(Notice("warn", f"{plural(ungraded, 'answer')} not graded.", why))
    if report.quotes.flagged:
        found.append(
            Notice(
                "warn",
                f"{report.quotes.flagged:,} of {plural(report.quotes.judgements, 'judgement')} quote"
                f"{'s' if report.quotes.flagged == 1 else ''} what is not in the output.",
                "Their evidence is not verified, and their grades count all the same; the cases show which quotes.",
            )
        )
    names = short_names(report.names)
    told = cautions(report, [names[name] for name in report.names])
    found += [Notice("warn", caution.title, caution.detail) for caution in told]
    if view.run.spent_is_lower_bound:
        found.append(
            Notice(
                "warn",
                "What was spent is at least the sum shown.",
                "A price is not known, or a call broke off before it told its usage and may be billed all the same.",
            )
        )
    return found


def failure_lines(view: RunView) -> list[FailureLine]:
    """One line for each model and kind of failure, as the run's page lists them."""
    names = short_names(view.settings.models)
    return [_line(failure, names[failure["model"]], view.settings.max_tokens) for failure in view.failures]


def _ungraded(report: RunReport) -> int:
    return report.counts.answered - report.counts.judged


def _stopped(report: RunReport, ended: int) -> Sequence[Notice]:
    run = report.run
    done = f"{ended:,} of {plural(report.counts.planned, 'cell')} are done."
    kept = "What is paid is kept, and not paid again when the run is resumed."
    if run.stop_cause == "budget":
        budget = "" if run.budget_microcents is None else f" of {money(run.budget_microcents)}"
        over = run.budget_microcents is not None and run.spent_microcents > run.budget_microcents
        least = "at least " if run.spent_is_lower_bound else ""
        more = (
            f" It spent {least}{money(run.spent_microcents)}: calls that were out when the budget was reached are paid"
            " for anyway, so they were waited for and kept."
        )
        detail = f"{done}{more if over else ''} {kept}"
        return [Notice("warn", f"Partial: stopped by its budget{budget}.", detail)]
    if run.stop_cause == MONTH_BUDGET:
        more = "An admin can raise it on the Settings page; resume the run then, or next month."
        return [
            Notice(
                "warn",
                "Partial: stopped by the budget of the month.",
                f"{run.error_message or ''} {done} {kept} {more}".strip(),
            )
        ]
    if run.stop_cause == JUDGE_REFUSED:
        failed = failed_judges(run)
        answers = f"{plural(report.counts.answered, 'answer')} and " if report.counts.answered else ""
        then = (
            f"Kept: {answers}the judge’s own grades. Run again with another judge, which uses every answer again; or"
            " accept this one, and every report of the run says that it failed."
        )
        return [
            Notice(
                "bad",
                f"Stopped: {failed[:1].lower()}{failed[1:]} examination.",
                f"{run.error_message or ''} {then}".strip(),
            )
        ]
    if run.status == RunStatus.CANCELLED:
        return [Notice("warn", "Partial: cancelled.", f"{done} {kept}")]
    if run.status == RunStatus.FAILED:
        return [Notice("bad", "This run failed.", f"{run.error_message or 'No reason was given.'} {done} {kept}")]
    return []


def _harm(report: RunReport) -> Sequence[Notice]:
    found: list[Notice] = []
    names = short_names(report.names)
    having = {summary.model: summary for summary in report.summaries if summary.arm == Arm.WITH_SKILL}
    for lift in lifts(report):
        if lift.effect not in (SkillEffect.HURTS, SkillEffect.MAY_HURT):
            continue
        interval = f", 95% interval {signed(lift.low)} to {signed(lift.high)}" if lift.low is not None else ""
        proven = lift.effect is SkillEffect.HURTS
        quality = having[lift.model].quality or 0.0
        found.append(
            Notice(
                "bad" if proven else "warn",
                f"The skill {'makes' if proven else 'may make'} {names[lift.model]} worse.",
                f"Lift {signed(lift.points)} points{interval}, n = {lift.n:,}{'' if proven else '; not proven'}."
                f" Without the skill it scores {points(quality - lift.points)}.",
            )
        )
    return found


def _line(failure: Mapping[str, Any], name: str, max_tokens: int) -> FailureLine:
    kind = FailureKind(failure["kind"])
    return FailureLine(
        model=name,
        words=kind.words,
        cells=failure["count"],
        fate="scored 0" if kind.scores_zero else "not scored",
        message=failure["message"] or "",
        next_step=_next_step(kind, max_tokens),
    )


def _next_step(kind: FailureKind, max_tokens: int) -> str:
    match kind:
        case FailureKind.EMPTY:
            return "It counts against the model. If it reasons first, give it more room: raise the longest answer."
        case FailureKind.REFUSED:
            return "It counts against the model. Look at the case if it should not have been refused."
        case FailureKind.CUT:
            return f"Raise the longest answer (now {plural(max_tokens, 'token')}) if answers may be longer."
        case FailureKind.CONTEXT_WINDOW:
            return "Shorten the skill's references or the case, or choose a model that takes more."
        case FailureKind.AUTHENTICATION:
            return "Set a valid key where Steelyard is started, start it again, then resume the run."
        case FailureKind.UNKNOWN_MODEL:
            return "Check the model's name with its provider, then run with the right one."
        case FailureKind.BAD_REQUEST:
            return "The message says what the provider did not accept; change it and run again."
        case FailureKind.RATE_LIMITED | FailureKind.OVERLOADED:
            return "Resume the run to call again; fewer calls at once help."
        case FailureKind.NETWORK:
            return "Check the address and the network, then resume the run."
        case FailureKind.JUDGE:
            return "Resume the run to judge again; the answers are kept and not called for again."
        case FailureKind.INTERNAL:
            return "Resume the run to try again; the server's log says where it went wrong."
        case _:
            return "Resume the run to call again."
