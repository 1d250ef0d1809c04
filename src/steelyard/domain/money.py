"""Money as integers: one microcent is 10^-6 cent, so one US dollar is 100,000,000 microcents."""

from __future__ import annotations

from decimal import Decimal

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


def about(microcents: int) -> str:
    """A guess: `$0.02`, `$1.84`, cents from one cent on; below it as `dollars` writes it."""
    usd = microcents / MICROCENTS_PER_USD
    return f"${usd:,.2f}" if usd >= 0.01 else dollars(microcents)


def usd_digits(microcents: float) -> str:
    """US dollars as plain digits, none of them lost and no `$`, for files: `0.00412345`."""
    return format(Decimal(str(microcents)).scaleb(-8).normalize(), "f")


def exact_dollars(microcents: int) -> str:
    """`$1,234.50000001`: every digit there is, for a price that somebody gave."""
    whole, _, decimals = usd_digits(microcents).partition(".")
    return f"${int(whole):,}{f'.{decimals}' if decimals else ''}"


def microcents(usd: float) -> int:
    """US dollars to whole microcents, rounded half to even."""
    return round(usd * MICROCENTS_PER_USD)
