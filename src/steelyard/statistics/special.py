"""The few scipy functions used, typed and imported on first call, as scipy is slow to import."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Indices = npt.NDArray[np.intp]
Numbers = Floats | Ints | float


@cache
def _function(name: str) -> Callable[..., Any]:
    return getattr(import_module("scipy.special"), name)


def _call(name: str, *arguments: Numbers) -> Floats:
    return np.asarray(_function(name)(*arguments), dtype=np.float64)


def floats(values: npt.ArrayLike) -> Floats:
    """As float64 (numpy's own annotations lose the element type in places)."""
    return np.asarray(values, dtype=np.float64)


def t_cdf(df: Numbers, t: Numbers) -> Floats:
    """P(T <= t) of Student's t."""
    return _call("stdtr", df, t)


def t_quantile(df: float, p: float) -> float:
    """The t with P(T <= t) = p."""
    return float(_call("stdtrit", df, p))


def noncentral_t_cdf(df: float, noncentrality: float, t: float) -> float:
    """P(T <= t) of the noncentral t."""
    return float(_call("nctdtr", df, noncentrality, t))


def normal_quantile(p: float) -> float:
    """The z with P(Z <= z) = p."""
    return float(_call("ndtri", p))


def fair_coin_cdf(heads: Ints, tosses: Ints) -> Floats:
    """P(at most so many heads) of fair tosses."""
    return _call("bdtr", heads, tosses, 0.5)


def beta_quantile(a: Numbers, b: Numbers, p: float) -> Floats:
    """The x with P(X <= x) = p of Beta(a, b)."""
    return _call("betaincinv", a, b, p)


def log_gamma(x: Numbers) -> Floats:
    """log of the gamma function of positive x."""
    return _call("gammaln", x)
