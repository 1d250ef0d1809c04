"""A tie-break in words and as JSON, alike in every report: it stands beside the verdict and never changes it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from steelyard.domain.errors import ModelRefError
from steelyard.domain.models import ModelRef
from steelyard.domain.tie_breaks import UNDER_WAY, TieBreakStatus
from steelyard.judging import same_family
from steelyard.judging.pair_gate import Gate
from steelyard.statistics import PairFigures, TieBreak
from steelyard.storage.tie_breaks import TieBreakRow

if TYPE_CHECKING:
    from steelyard.services.reports import RunReport

LABEL = "By pairwise comparison, beside the scores"
KEPT = "The run's verdict stays as it is."


@dataclass(frozen=True)
class TieBreakWords:
    """`claim` names who is preferred, or says that nobody is; `facts` are what stands behind it, in whole sentences.

    `named` is the model preferred. `bad`: no result, or none to be relied on. Names in all of it may be hostile.
    """

    claim: str
    named: str | None
    facts: tuple[str, ...]
    bad: bool


def can_be_broken(report: RunReport) -> bool:
    """Whether there is a tie, and outputs of two of its models that a judge could be shown."""
    tied = {report.names[index] for index in report.verdict.tied}
    answered = [s for s in report.summaries if s.arm == report.arm and s.model in tied and s.answered]
    return report.stored and report.verdict.kind == "tied" and len(answered) > 1


def judges_asked(rows: Sequence[TieBreakRow]) -> tuple[int, int]:
    """(judges asked about one tie, those of them that name a model); one that has not ended is not counted."""
    ended = [row for row in rows if row.status not in UNDER_WAY]
    return len(ended), sum(row.result is not None and TieBreak.from_json(row.result).ahead is not None for row in ended)


def tie_break_words(
    row: TieBreakRow, names: Mapping[str, str] | None = None, beside: Sequence[TieBreakRow] = ()
) -> TieBreakWords:
    """What an ended tie-break came to. `names`: models as they are to be shown.

    `beside`: all of the same tie, this one among them; where it names a model, the claim says how many were asked.
    """
    shown = [(names or {}).get(model, model) for model in row.models]
    gate = None if row.gate is None else Gate.from_json(row.gate)
    tried = () if gate is None else (f"Before: {gate.sentence[0].lower()}{gate.sentence[1:]}",)
    asked = f"Judge {row.judge}, which saw every pair in both orders and no model's name; a win takes both orders."
    if row.status in UNDER_WAY:
        claim = "it waits" if row.left else "under way"
        return TieBreakWords(f"{LABEL}: {claim}.", None, () if row.waits is None else (row.waits,), bad=False)
    if row.result is None:
        fate = {
            TieBreakStatus.REFUSED: "the judge was refused",
            TieBreakStatus.STOPPED: "stopped by its budget",
            TieBreakStatus.CANCELLED: "cancelled",
        }.get(TieBreakStatus(row.status), "it failed")
        return TieBreakWords(
            f"{LABEL}: no result, {fate}.", None, (row.error_message or "No reason was kept.",), bad=True
        )
    result = TieBreak.from_json(row.result)
    facts = [*_figures(result, shown), asked, *tried, _orders(result)]
    if _own_family(row):
        facts.append(f"{row.judge} is of a compared model's own family and may favour it.")
    if row.error_message is not None:
        facts.append(row.error_message)
    if result.ahead is not None:
        claim = f"{shown[result.ahead]} is preferred ({_evidence(result, result.ahead)}{_asked_of(beside)})."
        return TieBreakWords(f"{LABEL}: {claim}", row.models[result.ahead], tuple(facts), bad=False)
    return TieBreakWords(
        f"{LABEL}: nobody is ahead. {_why_nobody(result, shown)}", None, tuple(facts), _unreliable(result)
    )


def tie_break_json(row: TieBreakRow, beside: Sequence[TieBreakRow]) -> dict[str, Any]:
    """As reports have it; unknown is null. Money in microcents, spent beside the run's own.

    `beside`: all of the same tie, this one among them.
    """
    result = None if row.result is None else TieBreak.from_json(row.result)
    words = tie_break_words(row, beside=beside)
    asked, naming = judges_asked(beside)
    return {
        "id": str(row.id),
        "status": row.status,
        "waits": row.waits,
        "models": list(row.models),
        "judge": row.judge,
        "judge_digest": row.judge_digest,
        "judge_is_of_a_models_family": _own_family(row),
        "judges_asked": asked,
        "judges_naming_a_model": naming,
        "preferred": words.named,
        "sentence": words.claim,
        "facts": list(words.facts),
        "reason": None if result is None else result.reason,
        "p": None if result is None else result.p,
        "alpha": None if result is None else result.alpha,
        "method": None if result is None else result.method,
        "pairs": None
        if result is None
        else [
            asdict(pair) | {"first": row.models[pair.first], "second": row.models[pair.second]} for pair in result.pairs
        ],
        "orders": None
        if result is None
        else asdict(result.orders)
        | {"consistency": result.orders.consistency, "follows_position": result.orders.follows_position},
        "missing": None if result is None else result.missing,
        "gate": row.gate,
        "comparisons": row.planned,
        "comparisons_kept": row.done,
        "calls": row.calls,
        "spent_microcents": row.spent_microcents,
        "spent_is_lower_bound": row.spent_is_lower_bound,
        "budget_microcents": row.budget_microcents,
        "price_version": row.price_version,
        "price_date": None if row.price_date is None else row.price_date.isoformat(),
        "message": row.error_message,
        "created_at": row.created_at.isoformat(),
        "completed_at": None if row.completed_at is None else row.completed_at.isoformat(),
    }


def favours(judge: str, models: Sequence[str]) -> bool:
    """Whether the judge is of the family of any of the models, and so may favour it."""
    try:
        return same_family(ModelRef.parse(judge), [ModelRef.parse(name) for name in models])
    except ModelRefError:
        return False


def p_words(p: float) -> str:
    """`p < .0001`, `p .0007`, `p .21`."""
    if p < 0.0001:
        return "p < .0001"
    return "p " + (f"{p:.2f}" if p >= 0.1 else f"{p:.3f}" if p >= 0.01 else f"{p:.4f}").replace("0.", ".", 1)


def score_words(pair: PairFigures) -> str:
    """`won 31, lost 9, tied 10 of 50 cases; p .0007`."""
    families = pair.families_won + pair.families_lost
    decided = pair.wins + pair.losses
    by = f" by families of cases, {pair.families_won} to {pair.families_lost}" if families != decided else ""
    cases = "1 case" if pair.n == 1 else f"{pair.n:,} cases"
    return f"won {pair.wins:,}, lost {pair.losses:,}, tied {pair.ties:,} of {cases}; {p_words(pair.p)}{by}"


def _asked_of(beside: Sequence[TieBreakRow]) -> str:
    """Of many judges one names a model by chance sooner or later: how many were asked belongs beside its word."""
    asked, naming = judges_asked(beside)
    return f"; asked of {asked} judges, {naming} {'names' if naming == 1 else 'name'} a model" if asked > 1 else ""


def _evidence(result: TieBreak, model: int) -> str:
    """The one pair there is, or of several the least certain."""
    mine = [pair.seen_from(model) for pair in result.pairs if model in (pair.first, pair.second)]
    if len(mine) == 1:
        return score_words(mine[0])
    return f"to each of the {len(mine)} others, the least certain: {score_words(max(mine, key=lambda pair: pair.p))}"


def _figures(result: TieBreak, shown: Sequence[str]) -> list[str]:
    """One line a pair, the one ahead named first; nothing where the claim says it all."""
    if result.ahead is not None and len(result.pairs) == 1:
        return []
    found = [pair.seen_from(pair.second) if pair.losses > pair.wins else pair for pair in result.pairs]
    return [f"{shown[pair.first]} against {shown[pair.second]}: {score_words(pair)}." for pair in found]


def _orders(result: TieBreak) -> str:
    orders = result.orders
    if orders.consistency is None:
        return "All outputs compared are identical, so the judge was not asked about any."
    kept = orders.kept + orders.even
    flipped = f"{orders.flipped:,}" if orders.flipped else "none"
    return (
        f"Both orders agreed in {kept:,} of {orders.shown:,} comparisons ({100 * orders.consistency:.0f}%); in"
        f" {flipped} the judge preferred whatever stood in one place."
    )


def _why_nobody(result: TieBreak, shown: Sequence[str]) -> str:
    orders = result.orders
    if result.reason == "follows_position":
        return (
            "The judge's word followed the place of an output, not the output: it preferred the same place in both"
            f" orders {orders.flipped:,} times, and the same output {orders.kept:,} times."
        )
    if result.reason == "missing":
        gone = "1 case" if result.missing == 1 else f"{result.missing:,} cases"
        return f"Too much is missing: {gone} could not be compared, over 5% of a pair's."
    if result.leader is None:
        return f"No model was preferred to {'the other' if len(shown) == 2 else 'every other'} more often than not."
    return (
        f"{shown[result.leader]} was preferred more often, but so much would come of chance"
        f" ({_evidence(result, result.leader)}; {result.alpha:g} is the limit)."
    )


def _unreliable(result: TieBreak) -> bool:
    return result.reason in ("follows_position", "missing")


def _own_family(row: TieBreakRow) -> bool:
    return favours(row.judge, row.models)
