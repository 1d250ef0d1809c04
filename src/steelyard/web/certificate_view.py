"""A judge's certificate as a run's page shows it: a row for each kind of canary, and what else is known of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from steelyard.judging.canaries import JUNK, CanaryFinding, CanaryKind
from steelyard.judging.certificate import ORDER, Certificate
from steelyard.judging.examination import WORDS, Examination, Result
from steelyard.services.people import CERTIFIED_FROM
from steelyard.web.filters import UNKNOWN, plural, points, sum_of

Tone = Literal["good", "bad", "warn", "neutral"]

# What people say takes its time to work out, and so has a place of its own on the page.
PEOPLE = f"Above, under People: agreement counts from {CERTIFIED_FROM} outputs rated blind."


@dataclass(frozen=True)
class CanaryLine:
    """One output that was shown. `case_index` counts from 0; `about` may be hostile text."""

    case_index: int
    about: str
    scored: str


@dataclass(frozen=True)
class CanaryRowView:
    """One kind of canary. `passed` is None where it could not be graded."""

    passed: bool | None
    what: str
    scored: str
    bar: str
    lines: tuple[CanaryLine, ...]


@dataclass(frozen=True)
class CertificateView:
    """`title` is the outcome in a sentence, `took` what it took in this run.

    `missing` names the kinds that no case gives; `unfinished` is why some could not be graded, hostile text.
    """

    certificate: Certificate
    tone: Tone
    word: str
    title: str
    took: str
    rows: tuple[CanaryRowView, ...]
    missing: str | None
    unfinished: str | None
    facts: tuple[tuple[str, str], ...]
    opened: bool


def certificate_views(certificates: Sequence[Certificate], *, under_way: bool) -> list[CertificateView]:
    """One for each judge; none where no judge was to grade."""
    return [_view(certificate, under_way=under_way) for certificate in certificates]


def _view(certificate: Certificate, *, under_way: bool) -> CertificateView:
    examination = certificate.examination
    tone, word, title = _outcome(certificate, under_way=under_way)
    return CertificateView(
        certificate=certificate,
        tone=tone,
        word=word,
        title=title,
        took=_took(certificate),
        rows=() if examination is None else tuple(_row(one, examination) for one in examination.findings),
        missing=None if examination is None else _missing(examination),
        unfinished=None
        if examination is None
        else next((one.failure for one in examination.canaries if one.failure is not None), None),
        facts=(
            ("Repeated", certificate.repeats_sentence if not under_way else "Told when the run has ended."),
            ("Order", ORDER),
            ("Family", certificate.family_sentence),
            ("People", PEOPLE if not under_way else "None yet: outputs can be rated once the run has ended."),
        ),
        opened=certificate.result in (Result.FAILED, Result.UNFINISHED),
    )


def _outcome(certificate: Certificate, *, under_way: bool) -> tuple[Tone, str, str]:
    match certificate.result:
        case None if under_way:
            return (
                "neutral",
                "not finished yet",
                "The judge is shown outputs whose grade is known; its grades count once it passes.",
            )
        case None:
            return (
                "warn",
                "not examined",
                "The judge was not examined: nothing says that it tells a right output from a wrong one.",
            )
        case Result.NOTHING:
            return (
                "neutral",
                "nothing to examine",
                "No case of this run gives an output whose grade is known beforehand.",
            )
        case Result.PASSED:
            return "good", "passed", "The judge graded outputs whose grade is known as it should."
        case Result.UNFINISHED if certificate.accepted:
            return (
                "bad",
                "not finished, accepted",
                "Some outputs could not be graded. The judge was accepted all the same.",
            )
        case Result.UNFINISHED if certificate.cut_off:
            return "warn", "not finished", "The run ended before its examination, so no grade of the judge counts yet."
        case Result.UNFINISHED:
            return "warn", "not finished", "Some outputs could not be graded, so no grade of the judge counts yet."
        case Result.FAILED if certificate.accepted:
            return (
                "bad",
                "failed, accepted",
                "The judge failed. It was accepted all the same, so its scores are not to be relied on.",
            )
        case Result.FAILED:
            return "bad", "failed", "The judge failed, so no score of it counts."


def _took(certificate: Certificate) -> str:
    if certificate.calls:
        cost = sum_of(certificate.cost_microcents, certificate.cost_is_lower_bound)
        return f"{plural(certificate.calls, 'call')}, {cost}"
    if certificate.examination is None:
        return "no call in this run"
    if certificate.result is Result.UNFINISHED:
        return "no call came through"
    return "no call in this run: its grades were paid for before"


def _row(finding: CanaryFinding, examination: Examination) -> CanaryRowView:
    shown = [one for one in examination.canaries if one.kind is finding.kind]
    return CanaryRowView(
        passed=None if finding.quality is None else finding.passed,
        what=WORDS[finding.kind],
        scored=_scored(finding),
        bar=_bar(finding),
        lines=tuple(
            CanaryLine(one.case_index, one.about, UNKNOWN if one.quality is None else points(one.quality))
            for one in shown
        ),
    )


def _scored(finding: CanaryFinding) -> str:
    if finding.quality is None:
        return finding.sentence
    if finding.kind in JUNK or finding.kind is CanaryKind.GOLDEN:
        return points(finding.quality)
    return f"{points(finding.quality)} below"


def _bar(finding: CanaryFinding) -> str:
    if finding.kind in JUNK:
        return f"at most {finding.bar:.0f}"
    if finding.kind is CanaryKind.GOLDEN:
        return f"at least {finding.bar:.0f}"
    return f"at least {finding.bar:.0f} below the golden output"


def _missing(examination: Examination) -> str | None:
    if not examination.missing or not examination.findings:
        return None
    return f"Not shown, as no case of this run gives one: {'; '.join(WORDS[kind] for kind in examination.missing)}."
