"""What stands behind a run's grades, in lines: one where the judge passed, a row for each kind of canary where not."""

from __future__ import annotations

from collections.abc import Iterator

from steelyard.cli import text as words
from steelyard.judging.certificate import Certificate
from steelyard.judging.examination import WORDS, Examination, Result


def certificate_lines(certificate: Certificate, *, under_way: bool) -> Iterator[tuple[str, str]]:
    """(line, style) from top to bottom, unwrapped."""
    examination = certificate.examination
    if certificate.cut_off:
        yield f"its examination on outputs whose grade is known was not finished ({_cost(certificate)})", "yellow"
    elif examination is None:
        yield f"not {'yet ' if under_way else ''}examined on outputs whose grade is known", "yellow"
    elif examination.result is Result.NOTHING:
        yield "not examined: no case of this run gives an output whose grade is known", "yellow"
    else:
        yield _examined(certificate, examination)
        if examination.result is not Result.PASSED:
            yield from _rows(examination)
    if certificate.own_family:
        yield "the judge is of a candidate's own family and may favour it", "yellow"


def _examined(certificate: Certificate, examination: Examination) -> tuple[str, str]:
    shown = f"examined on {words.count(len(examination.canaries), 'output')} whose grade is known"
    if certificate.calls:
        took = _cost(certificate)
    elif examination.result is Result.UNFINISHED:
        took = "no call came through"
    else:
        took = "paid for before"
    match examination.result:
        case Result.PASSED:
            return f"{shown}: passed ({took})", ""
        case Result.FAILED:
            return f"{shown}: failed ({took})", "red"
        case _:
            return f"{shown}: not finished ({took})", "yellow"


def _cost(certificate: Certificate) -> str:
    cost = words.spent(certificate.cost_microcents, certificate.cost_is_lower_bound)
    return f"{words.count(certificate.calls, 'call')}, {cost}"


def _rows(examination: Examination) -> Iterator[tuple[str, str]]:
    for finding in examination.findings:
        word = "pass" if finding.passed else "FAIL" if finding.quality is not None else "open"
        style = "" if finding.passed else "red" if finding.quality is not None else "yellow"
        yield f"{word}  {WORDS[finding.kind]}: {finding.sentence}", style
