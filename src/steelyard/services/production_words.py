"""What production beside the benchmark says, in sentences that page and terminal share. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from steelyard.domain.money import dollars
from steelyard.services.cost_trend import TrendSplit
from steelyard.services.production import DAYS, Amount, MonthlyCost, Production
from steelyard.skills.language import UNKNOWN

_WELL_COVERED = 0.8


def traffic_sentence(found: Production) -> str:
    """How much the skill is used, by which model, for how much."""
    if found.model_in_use is None:
        return f"No use in the last {DAYS} days."
    of = "all" if found.uses == found.all_uses else f"{found.uses:,} of"
    lower = "at least " if found.cost_unknown else ""
    cost = "unknown cost" if found.cost_unknown == found.uses else f"{lower}{dollars(found.measured_microcents)}"
    return f"In the last {DAYS} days {found.model_in_use} served {of} {found.all_uses:,} uses for {cost}."


def saving_sentence(found: Production) -> str:
    """What switching to the cheapest good enough model would save, with its interval."""
    best = found.cheapest
    if best is None:
        return "The benchmark names no cheapest good enough model, so that no switch can be recommended."
    if best.in_use:
        return "The model in use is the cheapest good enough one."
    if best.saving is None:
        return f"What {best.model}, the cheapest good enough, would cost is not known: it has no known price or tokens."
    saving = best.saving
    switch = f"Switching to {best.model}, the cheapest good enough,"
    if saving.value < 0:
        more = Amount(-saving.value, _negative(saving.high), _negative(saving.low))
        return (
            f"{switch} would cost {month_words(more)} a month more: the model in use is cheaper, but not shown to be"
            " good enough."
        )
    unproven = saving.low is None or saving.low <= 0
    doubt = " That it saves anything is not shown." if unproven else ""
    return f"{switch} would save {month_words(saving)} a month.{doubt}"


def month_words(amount: Amount | None) -> str:
    """`$12.30 ($11.80 to $12.90)`, the 95% interval in brackets."""
    if amount is None:
        return "not known"
    said = dollars(round(amount.value))
    if amount.low is None or amount.high is None:
        return f"{said} (too few cases for an interval)"
    return (
        said if amount.low == amount.high else f"{said} ({dollars(round(amount.low))} to {dollars(round(amount.high))})"
    )


def saving_words(one: MonthlyCost) -> str:
    """`saves $1.20 ($1.10 to $1.30)`, or `costs … more`."""
    if one.in_use:
        return "in use now"
    if one.saving is None:
        return "not known"
    if one.saving.value >= 0:
        return f"saves {month_words(one.saving)}"
    return f"costs {month_words(Amount(-one.saving.value, _negative(one.saving.high), _negative(one.saving.low)))} more"


def ratio_words(one: MonthlyCost) -> str:
    """`x 1.00 in, x 0.85 out`: tokens against those of the model in use on the same cases."""
    if one.input_ratio is None or one.output_ratio is None:
        return "not told"
    return f"x {one.input_ratio:.2f} in, x {one.output_ratio:.2f} out"


def length_sentence(found: Production) -> str:
    """How the lengths of inputs in use are to those of the golden cases."""
    one = found.lengths
    if one is None or one.uses.p10 is None or one.uses.p50 is None or one.uses.p90 is None:
        return (
            "Length: not known. It takes uses of the last 30 days, and a benchmark of the model in use that told its"
            " tokens."
        )
    judged = "The cases span the uses" if one.share_within >= _WELL_COVERED else "The cases do not span the uses"
    outside = [
        f"{_share(count, one.uses.uses)} are {what} than every case"
        for count, what in ((one.uses.shorter, "shorter"), (one.uses.longer, "longer"))
        if count
    ]
    return (
        f"Length: {judged}: {_share(one.uses.within, one.uses.uses)} of all {one.uses.uses:,} uses have inputs as long"
        f" as the {one.cases:,} cases, {one.case_least:,.0f} to {one.case_most:,.0f} tokens with the skill"
        f"{'; ' + ', '.join(outside) if outside else ''}. In use the middle 80% have {one.uses.p10:,.0f} to"
        f" {one.uses.p90:,.0f} tokens, half below {one.uses.p50:,.0f}; of the cases half are below"
        f" {one.case_median:,.0f}."
    )


def language_sentence(found: Production) -> str:
    """Which languages cases and inputs of use are in, as far as there are texts."""
    cases = _listed(found.languages.cases)
    if not found.languages.uses:
        there = f" The cases are in {cases}." if cases else ""
        return (
            "Language: not known of uses, whose texts are not kept; feedback with an example input would tell." + there
        )
    missing = found.languages.not_covered
    of = sum(found.languages.uses.values())
    uses = _listed(found.languages.uses)
    said = f"Language: {of:,} inputs that came with feedback are in {uses}; the cases in {cases or 'none'}."
    return said + (f" No case is in {' or '.join(missing)}: add some." if missing else "")


def trend_sentence(trend: TrendSplit) -> str:
    """Which part moved the cost most, between the two halves of the trend."""
    parts = trend.parts
    if not trend.both:
        return f"The last {trend.half} days and the {trend.half} before do not both have uses of known cost to compare."
    left = f" {trend.left_out:,} uses of days with an unknown cost are left out." if trend.left_out else ""
    if not parts.change:
        return f"The last {trend.half} days cost as much as the {trend.half} before: {dollars(parts.after)}.{left}"
    name, _, value = max(trend_rows(trend)[:-1], key=lambda row: abs(row[2]))
    more = "more" if parts.change > 0 else "less"
    most = f" Most of it is {name.lower()}: {_signed(value)}." if abs(value) > 0 else ""
    return (
        f"The last {trend.half} days cost {dollars(abs(parts.change))} {more} than the {trend.half} before"
        f" ({dollars(parts.after)} after {dollars(parts.before)}).{most}{left}"
    )


def trend_rows(trend: TrendSplit) -> Sequence[tuple[str, str, int]]:
    """(part, its change in words, microcents) of each part and of the whole, last; none without a comparison."""
    if not trend.both:
        return ()
    parts = trend.parts
    rows = [
        ("Number of uses", parts.volume),
        ("Which models", parts.models),
        ("Tokens in a use", parts.tokens),
        ("Price of a token", parts.price),
        ("Not explained", parts.unexplained),
        ("Together", parts.change),
    ]
    return [(name, _signed(value), value) for name, value in rows if value or name != "Not explained"]


def _signed(microcents: int) -> str:
    return f"+{dollars(microcents)}" if microcents > 0 else dollars(microcents)


def _negative(value: float | None) -> float | None:
    return None if value is None else -value


def _share(count: int, of: int) -> str:
    return f"{100 * count / of:.0f}%"


def _listed(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    named = [
        f"{'a language not recognised' if language == UNKNOWN else language} {_share(count, total)}"
        for language, count in sorted(counts.items(), key=lambda pair: -pair[1])[:5]
    ]
    return ", ".join(named)
