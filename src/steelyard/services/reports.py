"""What a run came to, in the one form that pages, command line and files are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from steelyard.domain.runs import RunCounts, RunStatus
from steelyard.execution.conclude import outcome_of
from steelyard.execution.detail import Detail, detail_from_json
from steelyard.execution.outcome import Raced
from steelyard.execution.sitting import JuryFigures
from steelyard.execution.summaries import ModelSummary
from steelyard.judging.certificate import Certificate
from steelyard.judging.scoring import QUOTE_NOT_FOUND
from steelyard.services.certificates import certificates_of, mark_of
from steelyard.services.jury_words import jury_json
from steelyard.services.tie_break_words import tie_break_json
from steelyard.services.verdict_detail import detail_json
from steelyard.services.waits import with_wait, with_waits
from steelyard.statistics import Verdict
from steelyard.storage import figures, run_counts, runs, tie_breaks
from steelyard.storage.case_results import JudgementCounts, judgement_counts
from steelyard.storage.database import Connection
from steelyard.storage.runs import RunRow, starter_json
from steelyard.storage.served import RUNS, TIE_BREAKS, unserved
from steelyard.storage.tie_breaks import TieBreakRow

if TYPE_CHECKING:
    from steelyard.statistics import JudgeAgreement

SCHEMA = "steelyard.run/1"


@dataclass(frozen=True)
class RunReport:
    """A run, its counts, its models' figures and its verdict.

    `stored` is False while the verdict is only a preview of a run under way. `names` are what the verdict's
    indices stand for. `failures` has {model, kind, count, message} for every kind of failure met. `quotes` counts the
    judgements, and as flagged those with a quote that is not in the output they grade. `detail` is None of a preview,
    and of a run that ended before there was any. `raced` is None without a race, `jury` without one. `certificates` has
    one for each judge, none where no judge graded.
    `tie_breaks` stand beside a tied verdict, the first asked for first.
    """

    run: RunRow
    counts: RunCounts
    arm: str
    names: Sequence[str]
    summaries: Sequence[ModelSummary]
    verdict: Verdict
    sentence: str
    failures: Sequence[Mapping[str, Any]]
    quotes: JudgementCounts
    stored: bool
    detail: Detail | None = None
    raced: Raced | None = None
    certificates: tuple[Certificate, ...] = ()
    jury: JuryFigures | None = None
    tie_breaks: Sequence[TieBreakRow] = ()

    @property
    def certificate(self) -> Certificate | None:
        """That of the one judge; None where none or a jury graded."""
        return self.certificates[0] if len(self.certificates) == 1 else None

    @property
    def mark(self) -> str | None:
        """What every report of the run has to say first: scores of a judge count although it did not pass."""
        return mark_of(self.certificates)

    @property
    def ungraded(self) -> bool:
        """Whether there are answers for a judge and not one was graded: what is missing is the judge's doing."""
        return _is_ungraded(self.run, self.counts)

    @property
    def has_verdict(self) -> bool:
        """Whether the run answers the question asked: a best model, a tie, or the single model's figures."""
        return self.verdict.kind != "not_enough"

    def with_people(self, people: JudgeAgreement | None) -> RunReport:
        """The same with how far the judge agrees with people on its certificate; None where too few rated."""
        if self.certificate is None:
            return self
        return replace(self, certificates=(replace(self.certificate, people=people),))

    def name(self, index: int | None) -> str | None:
        return None if index is None else self.names[index]

    def to_json(self) -> dict[str, Any]:
        """The documented form `steelyard.run/1`; what is unknown is null. Money in microcents, quality 0-100."""
        run, verdict = self.run, self.verdict
        return {
            "schema": SCHEMA,
            "run": {
                "id": str(run.id),
                "skill": run.skill_name,
                "skill_version": run.skill_digest,
                "status": run.status,
                "unserved": run.unserved,
                "waits": run.waits,
                "stop_cause": run.stop_cause,
                "partial": run.partial,
                "of_record": run.of_record,
                "judge": run.judge,
                "judge_digest": run.judge_digest,
                "judgements": self.quotes.judgements,
                "judgements_quote_not_found": self.quotes.flagged,
                "started_by": starter_json(run),
                "started_at": _time(run.started_at),
                "completed_at": _time(run.completed_at),
                "planned": self.counts.planned,
                "answered": self.counts.answered,
                "judged": self.counts.judged,
                "failed": self.counts.failed,
                "missing": self.counts.missing,
                "reused": self.counts.reused,
                "spent_microcents": run.spent_microcents,
                "spent_is_lower_bound": run.spent_is_lower_bound,
                "judge_spent_microcents": run.judge_spent_microcents,
                "judge_spent_is_lower_bound": run.judge_spent_is_lower_bound,
                "budget_microcents": run.budget_microcents,
                "best_model": run.best_model,
                "cheapest_model": run.cheapest_model,
            },
            "models": [_model(summary) for summary in self.summaries],
            "verdict": {
                "kind": verdict.kind,
                "best": self.name(verdict.best),
                "tied": [self.names[index] for index in verdict.tied],
                "cheapest_good_enough": self.name(verdict.cheapest_good_enough),
                "more_cases": verdict.more_cases,
                "more_cost_microcents": verdict.more_cost_microcents,
                "sentence": self.sentence,
                "method": verdict.method,
                "arm": self.arm,
                "n": verdict.n,
                "look": verdict.look,
                "alpha": verdict.alpha,
                "margin": verdict.margin,
                "test": verdict.test,
                "reason": verdict.reason,
                "leader": self.name(verdict.leader),
                "gaps": [
                    {
                        "rival": self.names[gap.rival],
                        "lead": gap.mean,
                        "lead_low": gap.low,
                        "lead_high": gap.high,
                        "p": gap.p,
                        "test": gap.test,
                        "n": gap.n,
                    }
                    for gap in verdict.gaps
                ],
            },
            "detail": detail_json(self),
            "race": None if self.raced is None else _race(self.raced),
            "failures": [dict(failure) for failure in self.failures],
            "certificate": None if self.certificate is None else self.certificate.to_json(),
            "certificates": [certificate.to_json() for certificate in self.certificates],
            "jury": None if self.jury is None else jury_json(self.jury),
            "tie_breaks": [tie_break_json(row, self.tie_breaks) for row in self.tie_breaks],
        }


async def build_report(connection: Connection, tenant_id: UUID, run_id: UUID) -> RunReport:
    """Read the stored verdict, or work out a preview of a run that has none yet. Raises NotFound."""
    run = await runs.get_run(connection, run_id)
    counts, _ = await run_counts.count(connection, run_id)
    return await report_of(connection, tenant_id, run, counts, await figures.failures(connection, run_id))


def _is_ungraded(run: RunRow, counts: RunCounts) -> bool:
    ended = run.status not in (RunStatus.PENDING, RunStatus.RUNNING)
    return ended and run.judge is not None and counts.answered > 0 and not counts.judged


def _sentence(run: RunRow, counts: RunCounts, sentence: str) -> str:
    """The verdict's sentence; of a run whose judge graded nothing, that. (The models miss all scores by it.)"""
    if not _is_ungraded(run, counts):
        return sentence
    answers = "the one answer was not" if counts.answered == 1 else f"none of {counts.answered:,} answers was"
    by = "all judges of the jury" if "jury" in run.plan else f"the judge {run.judge}"
    return f"Not enough evidence: {answers} graded by {by}"


async def report_of(
    connection: Connection,
    tenant_id: UUID,
    run: RunRow,
    counts: RunCounts,
    failures: Sequence[Mapping[str, Any]],
) -> RunReport:
    """The report of a run that was read already."""
    if run.status == RunStatus.RUNNING:
        run = replace(run, unserved=run.id in await unserved(connection, [run.id]))
    run = await with_wait(connection, RUNS, run)
    stored = run.verdict if run.status in (RunStatus.COMPLETED, RunStatus.CANCELLED, RunStatus.FAILED) else None
    if run.judge is None:
        quotes = JudgementCounts(0, 0)
    elif stored is not None and "judgements" in stored:
        quotes = JudgementCounts(**stored["judgements"])
    else:
        quotes = await judgement_counts(connection, run.id, QUOTE_NOT_FOUND)
    certificates = await certificates_of(connection, run, stored)
    if stored is not None:
        verdict = Verdict.from_json(stored["statistics"])
        broken = await tie_breaks.standing_tie_breaks(connection, run.id) if verdict.kind == "tied" else []
        broken = await with_waits(connection, TIE_BREAKS, broken)
        return RunReport(
            run=run,
            counts=counts,
            arm=stored["arm"],
            names=stored["models"],
            summaries=[
                # Summaries written before `heard` was told have tokens wherever an answer came back.
                ModelSummary(**{**summary, "heard": summary.get("heard", summary["avg_tokens"] is not None)})
                for summary in stored["summaries"]
            ],
            verdict=verdict,
            sentence=_sentence(run, counts, stored["sentence"]),
            failures=failures,
            quotes=quotes,
            stored=True,
            detail=detail_from_json(stored.get("detail")),
            raced=Raced.from_json(stored["race"]) if "race" in stored else None,
            certificates=certificates,
            jury=JuryFigures.from_json(stored["jury"]) if "jury" in stored else None,
            tie_breaks=broken,
        )
    outcome = await outcome_of(connection, tenant_id, run, take_look=False)
    return RunReport(
        run=run,
        counts=counts,
        arm=outcome.arm,
        names=outcome.models,
        summaries=outcome.summaries,
        verdict=outcome.verdict,
        sentence=_sentence(run, counts, outcome.sentence),
        failures=failures,
        quotes=quotes,
        stored=False,
        raced=outcome.raced,
        certificates=certificates,
        jury=outcome.jury,
    )


def _race(raced: Raced) -> dict[str, Any]:
    standing = raced.standing
    return {
        "target": standing.target,
        "cases": standing.cases,
        "cases_run": standing.n,
        "rounds": standing.rounds,
        "rounds_at_most": standing.rounds_at_most,
        "survivors": list(standing.survivors),
        "dropped": [
            {"model": gone.model, "after_cases": gone.n, "by": gone.by, "p": gone.p} for gone in standing.dropped
        ],
        "cells_not_called": standing.cells_not_called,
        "saved_about_microcents": raced.saved_microcents,
    }


def _model(summary: ModelSummary) -> dict[str, Any]:
    return {
        "model": summary.model,
        "arm": summary.arm,
        "n": summary.n,
        "quality": summary.quality,
        "quality_low": summary.quality_low,
        "quality_high": summary.quality_high,
        "pass_rate": summary.pass_rate,
        "pass_low": summary.pass_low,
        "pass_high": summary.pass_high,
        "avg_cost_microcents": summary.avg_cost_microcents,
        "cost_per_accepted_microcents": summary.cost_per_accepted_microcents,
        "avg_tokens": summary.avg_tokens,
        "latency_ms_p50": summary.latency_ms_p50,
        "latency_ms_p95": summary.latency_ms_p95,
        "ttft_ms_p50": summary.ttft_ms_p50,
        "failures": summary.failures,
        "missing": summary.missing,
        "lift": summary.lift,
        "lift_low": summary.lift_low,
        "lift_high": summary.lift_high,
        "lift_p": summary.lift_p,
        "normalised_gain": summary.normalised_gain,
        "token_tax": summary.token_tax,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
