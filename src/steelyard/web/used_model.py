"""How the model that uses mostly run on stands in the last benchmark, in one line. Pure."""

from __future__ import annotations

from steelyard.domain.errors import ModelRefError
from steelyard.domain.models import ModelRef
from steelyard.services.reports import RunReport
from steelyard.statistics import Verdict
from steelyard.statistics.verdict import EXACT
from steelyard.web.filters import points, signed
from steelyard.web.model_names import model_name, short_names


def standing_line(model: str, report: RunReport | None) -> str:
    """What the stored verdict says of `model`, and no more: best, tied, how far behind, or that it was not tried.

    `report` is the last benchmark of record, None before there is one.
    """
    if report is None:
        return "no benchmark yet to compare it by"
    if model not in report.names:
        return _not_tried(model, report)
    index, verdict = list(report.names).index(model), report.verdict
    if verdict.models[index].excluded:
        return "left out of the last verdict: it misses over 5% of its scores"
    if verdict.kind == "single":
        return f"{points(verdict.models[index].mean)} of 100 in the last benchmark, compared with none"
    good = index == verdict.cheapest_good_enough
    said = _said(index, report)
    return f"the cheapest good enough; {said}" if good and index != verdict.best else said


def _said(index: int, report: RunReport) -> str:
    verdict = report.verdict
    if index == verdict.best:
        return "the best in the last benchmark"
    if verdict.kind == "tied" and index in verdict.tied:
        return "tied for best in the last benchmark"
    if index == verdict.leader:
        return "leading in the last benchmark, not proven"
    return _behind(index, verdict, report)


def _behind(index: int, verdict: Verdict, report: RunReport) -> str:
    gap = next((gap for gap in verdict.gaps if gap.rival == index), None)
    if gap is None or verdict.leader is None:
        return "in the last benchmark, which has too little evidence"
    known = gap.low is not None and gap.high is not None and gap.test != EXACT
    interval = f" (95% interval {_bare(gap.low)} to {_bare(gap.high)})" if known else ""
    head = "the best" if verdict.best is not None else "the leading one"
    proven = ", not proven" if verdict.kind == "not_enough" else ""
    # The figures before the name: of a long line the end is cut.
    leader = short_names(report.names)[report.names[verdict.leader]]
    return f"{points(gap.mean)} points below {head}{interval}{proven}: {leader}"


def _bare(difference: float | None) -> str:
    return signed(difference).removeprefix("+")


def _not_tried(model: str, report: RunReport) -> str:
    try:
        of_use = ModelRef.parse(model)
        benchmarked = [ModelRef.parse(name) for name in report.names]
    except ModelRefError:
        return "not among the models of the last benchmark"
    variants = [ref for ref in benchmarked if (ref.provider, ref.name) == (of_use.provider, of_use.name)]
    if not variants:
        return "not among the models of the last benchmark"
    if len(variants) > 1:
        return "benchmarked with other settings only"
    return f"benchmarked with other settings only: {model_name(variants[0].text).short}"
