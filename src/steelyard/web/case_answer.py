"""One answer in a run as its case's page shows it: output as markup, grade, checks and figures. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from markupsafe import Markup

from steelyard.domain.calls import FailureKind
from steelyard.domain.grading import CheckResult
from steelyard.judging.scoring import CANDIDATE_CUT, CONTRADICTION, QUOTE_NOT_FOUND
from steelyard.services.case_view import CaseAnswer, CaseJudgement, CaseSlot, CaseView
from steelyard.services.run_matrix import CellLook, MatrixCell
from steelyard.web.filters import count, day, latency, money, points
from steelyard.web.links import case_url
from steelyard.web.matrix_view import LOOK_WORDS, band, look_words
from steelyard.web.text.differences import Level, differences
from steelyard.web.text.highlight import Place, highlight
from steelyard.web.text.markdown import markdown
from steelyard.web.text.plain import plain

_FLAGS = {
    QUOTE_NOT_FOUND: "A quote of the judge is not in the output.",
    CONTRADICTION: "The judge contradicted itself: it found no match, yet gave a high grade.",
    CANDIDATE_CUT: "The judge saw the output cut, as it is very long.",
}
_MATCHES = {"yes": "matches the expected output", "partial": "partly matches", "no": "does not match"}
_PLACES = {
    Place.MARKED: "",
    Place.FURTHER_ON: "further on in the output",
    Place.NOT_FOUND: "not in the output",
    Place.EMPTY: "no quote",
}


class Show(StrEnum):
    """How outputs are shown."""

    EVIDENCE = "evidence"
    DIFFERENCES = "differences"
    RENDERED = "rendered"
    RAW = "raw"


@dataclass(frozen=True)
class Mark:
    """A score as the matrix draws it."""

    look: CellLook
    label: str
    band: int | None
    words: str


@dataclass(frozen=True)
class OutputView:
    """An output as markup. `sentence` says how it was compared, `note` what is not shown of it."""

    html: Markup
    rendered: bool
    sentence: str
    note: str
    download: str
    size: int


@dataclass(frozen=True)
class CriterionView:
    """One criterion. `number` is its quote's in the output, None without a quote; texts are hostile."""

    number: int
    criterion: str
    level: int
    finding: str
    quote: str
    where: str


@dataclass(frozen=True)
class JudgementView:
    judge: str
    digest: str
    quality: float
    matches: str
    criteria: tuple[CriterionView, ...]
    differences: str
    notes: str
    warnings: tuple[str, ...]
    cost: str


@dataclass(frozen=True)
class Fact:
    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class AnswerView:
    """One cell; a jury has a judgement of each judge. `failure` is what went wrong in words, `message` the provider's
    own, hostile text."""

    arm: str
    trial: int
    mark: Mark
    output: OutputView | None
    judgements: tuple[JudgementView, ...]
    superseded: int
    checks: tuple[CheckResult, ...]
    facts: tuple[Fact, ...]
    failure: str
    message: str
    result_id: UUID | None = None


def answer_view(view: CaseView, slot: CaseSlot, show: Show, cell: MatrixCell) -> AnswerView:
    """The answer in this slot, or why there is none; `cell` is what the matrix has of its model and arm."""
    answer = slot.answer
    if answer is None:
        told = cell.look in (CellLook.WAITING, CellLook.MISSING, CellLook.SPARED)
        look = cell.look if told else CellLook.MISSING
        label = {CellLook.WAITING: "…", CellLook.SPARED: "·"}.get(look, "–")
        mark = Mark(look, label, None, look_words(cell) if told else LOOK_WORDS[look])
        return AnswerView(slot.arm, slot.trial, mark, None, (), 0, (), (), "", "")
    current = sorted((one for one in answer.judgements if one.current), key=lambda one: one.judge)
    kind = None if answer.failure_kind is None else FailureKind(answer.failure_kind)
    return AnswerView(
        arm=slot.arm,
        trial=slot.trial,
        mark=_mark(answer, kind),
        output=_output(view, answer, show, current),
        judgements=tuple(_judgements(answer, current)),
        superseded=len(answer.judgements) - len(current),
        checks=answer.checks,
        facts=tuple(_facts(answer)),
        failure="" if kind is None else _failure(kind, of_jury=bool(current)),
        message=answer.error_message or "",
        result_id=answer.result_id,
    )


def _failure(kind: FailureKind, *, of_jury: bool) -> str:
    fate = "it scores 0" if kind.scores_zero else "it is not scored"
    if kind is FailureKind.JUDGE and of_jury:
        return "Not every judge gave a usable grade; the answer and what the others said are kept."
    if kind is FailureKind.JUDGE:
        return "The judge gave no usable grade; the answer is kept."
    return f"{kind.words.capitalize()}: {fate}."


def _mark(answer: CaseAnswer, kind: FailureKind | None) -> Mark:
    if answer.state == "failed" and kind is not None:
        zero = kind.scores_zero
        look = CellLook.FAILED if zero else CellLook.OUTAGE
        return Mark(look, "0" if zero else "–", 0 if zero else None, LOOK_WORDS[look])
    if answer.quality is None:
        look = CellLook.UNGRADED
        return Mark(look, "not graded", None, LOOK_WORDS[look])
    looks = {None: CellLook.GRADED, True: CellLook.PASSED, False: CellLook.NOT_PASSED}
    look = looks[answer.passed]
    return Mark(look, points(answer.quality), band(answer.quality), LOOK_WORDS[look])


def _output(view: CaseView, answer: CaseAnswer, show: Show, judgements: Sequence[CaseJudgement]) -> OutputView | None:
    if answer.output is None:
        return None
    text, sentence, note = answer.output.text, "", None
    rendered = False
    match show:
        case Show.RENDERED:
            drawn = markdown(text, shift=3)
            html, note, rendered = drawn.html, drawn.note, True
        case Show.DIFFERENCES:
            found = differences(view.case.expected.text, text)
            html, sentence = found.html, found.sentence
            if found.level is Level.NONE:
                shown = plain(text)
                html, note = shown.html, shown.note
        case Show.EVIDENCE:
            marked = highlight(text, _quotes(judgements))
            html, note = marked.html, marked.note
        case Show.RAW:
            shown = plain(text)
            html, note = shown.html, shown.note
    if answer.output.cut:
        note = f"{note or ''} Only the first {len(text):,} characters were read for this page.".strip()
    return OutputView(
        html=html,
        rendered=rendered,
        sentence=sentence,
        note=note or "",
        download=case_url(view.run.id, view.index, f"outputs/{answer.result_id}"),
        size=answer.output.size,
    )


def _quotes(judgements: Sequence[CaseJudgement]) -> list[str]:
    """Of all judges one after the other, as they are numbered."""
    return [one.evidence for judgement in judgements for one in judgement.criteria]


def _judgements(answer: CaseAnswer, judgements: Sequence[CaseJudgement]) -> Iterator[JudgementView]:
    places = highlight("" if answer.output is None else answer.output.text, _quotes(judgements)).places
    first = 0
    for judgement in judgements:
        last = first + len(judgement.criteria)
        yield _judgement(answer, judgement, places[first:last], first + 1)
        first = last


def _judgement(answer: CaseAnswer, judgement: CaseJudgement, places: Sequence[Place], first: int) -> JudgementView:
    cut = answer.output is not None and answer.output.cut
    return JudgementView(
        judge=judgement.judge,
        digest=judgement.judge_digest,
        quality=judgement.quality,
        matches=_MATCHES.get(judgement.matches_expected, judgement.matches_expected),
        criteria=tuple(
            CriterionView(
                number=number,
                criterion=one.criterion,
                level=one.level,
                finding=one.finding,
                quote=one.evidence,
                where=_PLACES[Place.FURTHER_ON if cut and place is Place.NOT_FOUND and one.quote_found else place],
            )
            for number, (one, place) in enumerate(zip(judgement.criteria, places, strict=True), start=first)
        ),
        differences=judgement.differences_from_expected,
        notes=judgement.notes,
        warnings=tuple(_FLAGS.get(flag, flag.replace("_", " ")) for flag in judgement.flags),
        cost=money(judgement.cost_microcents),
    )


def _facts(answer: CaseAnswer) -> list[Fact]:
    priced = "" if answer.price_date is None else f"at the prices of {day(answer.price_date)}"
    facts = [
        Fact("Cost", money(answer.cost_microcents), priced),
        Fact(
            "Latency",
            latency(answer.latency_ms),
            "" if answer.ttft_ms is None else f"first token {latency(answer.ttft_ms)}",
        ),
        Fact(
            "Tokens in",
            count(answer.input_tokens),
            _parts(("from cache", answer.cache_read_tokens), ("to cache", answer.cache_write_tokens)),
        ),
        Fact("Tokens out", count(answer.output_tokens), _parts(("reasoning", answer.reasoning_tokens))),
        Fact("Stopped", (answer.stop_reason or "unknown").replace("_", " ")),
    ]
    if answer.wasted_cost_microcents:
        facts.append(Fact("Wasted", money(answer.wasted_cost_microcents), "on attempts that gave nothing"))
    if answer.attempt > 1:
        facts.append(Fact("Attempt", str(answer.attempt)))
    if answer.reused:
        facts.append(Fact("Reused", "yes", "paid for in an earlier run"))
    settings = [
        f"{key.replace('_', ' ')} {value}" for key, value in answer.effective_settings.items() if key != "warnings"
    ]
    if settings:
        facts.append(Fact("Settings", ", ".join(settings)))
    return facts


def _parts(*classes: tuple[str, int | None]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in classes if number)
