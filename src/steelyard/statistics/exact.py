"""Exact tests and bounds, used where a t statistic has too little to stand on."""

from __future__ import annotations

from itertools import product
from math import log

import numpy as np

from steelyard.statistics.special import Floats, Ints, beta_quantile, fair_coin_cdf, floats, log_gamma

_MOVER_FROM = 30


def sign_test(positive: Ints, negative: Ints) -> Floats:
    """Two-sided p of the sign test (exact McNemar test where scores are binary), elementwise.

    `positive`, `negative`: counts of differences above and below zero; 1 where there are none.
    """
    total = positive + negative
    fewer = np.minimum(positive, negative)
    return np.where(total == 0, 1.0, np.minimum(1.0, 2.0 * fair_coin_cdf(fewer, np.maximum(total, 1))))


def sign_flip_test(sums: Floats) -> float:
    """Two-sided p of the exact permutation test that flips the sign of each entry; for few non-zero entries.

    Enumerates 2^m sign vectors, so m (the non-zero entries) should be below about 15.
    """
    values = sums[sums != 0]
    if values.size == 0:
        return 1.0
    signs = np.array(list(product((1.0, -1.0), repeat=values.size)))
    totals = floats(np.abs(signs @ values))
    return float((totals >= abs(values.sum()) - 1e-9).mean())


def lattice_sign_flip_test(sums: Floats, step: float) -> float:
    """Two-sided p of the exact sign-flip test of sums that are whole multiples of `step`, any number of them.

    The distribution of the flipped total is built from its generating function, one convolution per distinct size.
    """
    steps: Ints = np.asarray(np.round(sums / step), dtype=np.int64)
    sizes, counts = np.unique(np.abs(steps[steps != 0]), return_counts=True)
    if sizes.size == 0:
        return 1.0
    chances = np.ones(1)
    for size, count in [(int(size), int(count)) for size, count in zip(sizes, counts, strict=True)]:
        spread = np.zeros(size * count + 1)
        heads = floats(np.arange(count + 1))
        # In logarithms: 2^count overflows from 1,024 equal sums on.
        ways = log_gamma(count + 1) - log_gamma(heads + 1) - log_gamma(count - heads + 1)
        spread[::size] = np.exp(ways - count * log(2))
        chances = np.convolve(chances, spread)
    largest = int((sizes * counts).sum())
    totals = 2 * np.arange(largest + 1) - largest
    return float(min(1.0, chances[np.abs(totals) >= abs(int(steps.sum()))].sum()))


def share_upper(successes: Floats | Ints, n: Floats | float, alpha: float) -> Floats:
    """One-sided 1 - alpha Clopper-Pearson upper bound of a share (Clopper & Pearson 1934)."""
    rest = np.asarray(n - successes, dtype=np.float64)
    bound = beta_quantile(floats(successes) + 1.0, floats(np.maximum(rest, 1e-12)), 1.0 - alpha)
    return np.where(rest <= 1e-12, 1.0, bound)


def share_difference_upper(won: Floats, lost: Floats, n: float, alpha: float) -> Floats:
    """One-sided 1 - alpha upper bound of (share won - share lost) where n paired cases are won, lost or even.

    Below 30 cases exact: Clopper-Pearson limits of both shares at alpha/2 each. From 30 cases the same limits at
    alpha combined with the correlation of the two shares (MOVER: Zou & Donner 2008), about half as wide.
    """
    if n < _MOVER_FROM:
        return share_upper(won, n, alpha / 2) - share_lower(lost, n, alpha / 2)
    up, down = won / n, lost / n
    rise = share_upper(won, n, alpha) - up
    fall = down - share_lower(lost, n, alpha)
    correlation = np.sqrt(up * down / np.maximum((1 - up) * (1 - down), 1e-12))
    return floats(up - down + np.sqrt(rise**2 + fall**2 + 2 * correlation * rise * fall))


def share_lower(successes: Floats | Ints, n: Floats | float, alpha: float) -> Floats:
    """One-sided 1 - alpha Clopper-Pearson lower bound of a share."""
    return 1.0 - share_upper(np.asarray(n - successes, dtype=np.float64), n, alpha)
