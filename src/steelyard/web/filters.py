"""How values are written on a page: money, counts, durations, times, and text that may be hostile.

Every filter takes None for what is not known and says so in a word; none of them invents a number.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from typing import Any

from steelyard.domain.money import MICROCENTS_PER_USD, exact_dollars, usd_digits
from steelyard.web.text import odd

UNKNOWN = "unknown"
NONE = "–"

_STEPS = (
    (60, 1, "second"),
    (3600, 60, "minute"),
    (86_400, 3600, "hour"),
    (30 * 86_400, 86_400, "day"),
    (365 * 86_400, 30 * 86_400, "month"),
    (math.inf, 365 * 86_400, "year"),
)
_JUST_NOW_S = 10


def money(microcents: float | None) -> str:
    """`$0.0031`, `$0.0241`, `$0.118`, `$1.84`, `$12,400`.

    Two significant digits below a cent, three below a dollar, cents below a thousand dollars, whole dollars above.
    """
    if microcents is None:
        return UNKNOWN
    usd = abs(microcents) / MICROCENTS_PER_USD
    sign = "-" if microcents < 0 else ""
    if usd == 0:
        return "$0"
    if usd >= 999.995:
        return f"{sign}${usd:,.0f}"
    if usd >= 0.9995:
        return f"{sign}${usd:.2f}"
    digits = 3 if usd >= 0.00995 else 2
    places = digits - 1 - math.floor(math.log10(usd))
    return f"{sign}${_trimmed(usd, places, least=2)}"


def sum_of(microcents: int, lower_bound: bool, about: str = "") -> str:
    """`$1.84`, `at least $1.84` for a lower bound, `cost unknown` where that bound is nothing; `about` stands before a
    sum that is no bound."""
    if lower_bound:
        return f"at least {money(microcents)}" if microcents else "cost unknown"
    return about + money(microcents)


def _trimmed(value: float, places: int, least: int) -> str:
    whole, _, fraction = f"{value:.{places}f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(least, '0')}"


def count(number: int | None) -> str:
    """`8,412`."""
    return UNKNOWN if number is None else f"{number:,}"


def compact(number: float | None) -> str:
    """`812`, `8.4 k`, `1.2 M`: for narrow places; the exact number belongs in a title."""
    if number is None:
        return UNKNOWN
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(number) >= size * 0.9995:
            return f"{number / size:.3g} {unit}"
    return f"{number:.0f}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """`1 case`, `3 cases`, `0 entries` (with `many`)."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def points(quality: float | None) -> str:
    """Quality 0-100 with one decimal: `88.5`; whole ends as they are: `0`, `100`."""
    if quality is None:
        return UNKNOWN
    return f"{quality:.0f}" if quality in (0, 100) else f"{quality:.1f}"


def signed(difference: float | None, decimals: int = 1) -> str:
    """`+1.9`, `−0.4`, `0.0`, with a true minus sign."""
    if difference is None:
        return UNKNOWN
    rounded = f"{abs(difference):,.{decimals}f}"
    if float(rounded.replace(",", "")) == 0:
        return rounded
    return ("+" if difference > 0 else "−") + rounded


def percent(share: float | None, decimals: int = 0) -> str:
    """A share 0-1 as `95%`. What is neither none nor all never reads as 0% or 100%."""
    if share is None:
        return UNKNOWN
    if share < 0:
        return f"−{percent(-share, decimals)}"
    text = f"{abs(share) * 100:.{decimals}f}"
    step = 10.0**-decimals
    if 0 < share < 1 and float(text) in (0.0, 100.0):
        return f"<{step:.{decimals}f}%" if share < 0.5 else f">{100 - step:.{decimals}f}%"
    return f"{text}%"


def duration(seconds: float | None) -> str:
    """`45 ms`, `0.8 s`, `13.5 s`, `2 min 5 s`, `1 h 3 min`, `2 d 4 h`."""
    if seconds is None:
        return UNKNOWN
    seconds = max(0.0, float(seconds))
    if seconds == 0:
        return "0 s"
    if seconds < 0.0995:
        return f"{max(1, round(seconds * 1000))} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, name, below, minor in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // below
            return f"{whole // size} {name}" + (f" {rest} {minor}" if rest else "")
    return "59.9 s"


def whole_seconds(seconds: float | None) -> str:
    """A duration nobody needs to the tenth, passed or left: `43 s`, `2 min 5 s`."""
    if seconds is None:
        return UNKNOWN
    whole = max(0, round(seconds))
    return f"{whole} s" if whole < 60 else duration(whole)


def latency(milliseconds: float | None) -> str:
    """Milliseconds as a duration."""
    return UNKNOWN if milliseconds is None else duration(milliseconds / 1000)


def latency_beside(milliseconds: float | None, other: float | None) -> str:
    """A latency in the unit of the one it stands beside, where that is milliseconds: `104 ms` below `94 ms`."""
    if milliseconds is not None and latency(other).endswith(" ms"):
        return f"{max(1, round(milliseconds)):,} ms"
    return latency(milliseconds)


def size(bytes_: int | None) -> str:
    """`812 B`, `12.4 kB`, `52.4 MB`."""
    if bytes_ is None:
        return UNKNOWN
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if bytes_ >= scale * 0.9995:
            return f"{bytes_ / scale:.3g} {unit}"
    return f"{bytes_} B"


def utc(when: datetime) -> datetime:
    """The instant in UTC, in whole seconds; a time without a zone is taken as UTC."""
    aware = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    return aware.replace(microsecond=0)


def iso(when: datetime) -> str:
    """`2026-01-02T03:04:05Z`."""
    return utc(when).strftime("%Y-%m-%dT%H:%M:%SZ")


def absolute(when: datetime | None) -> str:
    """`2 January 2026, 03:04 UTC`."""
    if when is None:
        return NONE
    found = utc(when)
    return f"{found.day} {found:%B %Y, %H:%M} UTC"


def day(when: date | None) -> str:
    """`2 January 2026`: the day, or that of the instant in UTC."""
    if when is None:
        return NONE
    found = utc(when) if isinstance(when, datetime) else when
    return f"{found.day} {found:%B %Y}"


def relative(when: datetime, now: datetime) -> str:
    """`3 days ago`, `in 2 hours`, `just now`. assets/js/time.js says the same; a test holds them to it."""
    seconds = math.floor((now - utc(when)) / timedelta(seconds=1))
    length = abs(seconds)
    if length < _JUST_NOW_S:
        return "just now"
    if seconds >= 0:
        count, name = next((length // unit, name) for limit, unit, name in _STEPS if length < limit)
        return f"{plural_plain(count, name)} ago"
    # To the nearest, so that what was set to 30 days is in 30 days for its first hours too.
    rounded = ((limit, unit, math.floor(length / unit + 0.5), name) for limit, unit, name in _STEPS)
    return next(f"in {plural_plain(count, name)}" for limit, unit, count, name in rounded if count * unit <= limit)


def plural_plain(number: int, one: str) -> str:
    """`plural` without separators: `1200 days`."""
    return f"{number} {one}{'' if number == 1 else 's'}"


def visible(text: str | None) -> str:
    """Text a model or a person wrote, with nothing hidden: terminal codes, control and direction marks are spelled."""
    return odd.visible(odd.lines_of(text)) if text else ""


def clip(text: str | None, length: int = 160) -> str:
    """One line of `visible` text of at most `length` characters, with … where it was cut."""
    line = " ".join(visible(text).split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def usd_text(microcents: int | None) -> str:
    """`7.5`, as it is typed into a field; blank for none."""
    return "" if microcents is None else usd_digits(microcents)


FILTERS: dict[str, Any] = {
    "money": money,
    "sum_of": sum_of,
    "usd_text": usd_text,
    "usd_exact": exact_dollars,
    "count": count,
    "compact": compact,
    "plural": plural,
    "points": points,
    "signed": signed,
    "percent": percent,
    "duration": duration,
    "whole_seconds": whole_seconds,
    "latency": latency,
    "latency_beside": latency_beside,
    "size": size,
    "iso": iso,
    "absolute": absolute,
    "day": day,
    "visible": visible,
    "clip": clip,
}
