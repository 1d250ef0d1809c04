"""Money as integers: one microcent is 10^-6 cent, so one US dollar is 100,000,000 microcents."""

from __future__ import annotations

MICROCENTS_PER_USD = 100_000_000


def dollars(microcents: int) -> str:
    """`$0.0241`: four significant digits below a dollar, cents above ten; exact zero is `$0`."""
    if microcents == 0:
        return "$0"
    usd = microcents / MICROCENTS_PER_USD
    sign, usd = ("-", -usd) if usd < 0 else ("", usd)
    if usd >= 10:
        return f"{sign}${usd:,.2f}"
    if usd >= 0.01:
        return f"{sign}${usd:.4f}"
    return f"{sign}${usd:.3g}" if usd >= 0.0001 else f"{sign}${usd:.8f}".rstrip("0")


def microcents(usd: float) -> int:
    """US dollars to whole microcents, rounded half to even."""
    return round(usd * MICROCENTS_PER_USD)
