"""A tie broken by pairwise comparison: wins, losses and ties per pair, an exact sign test, and who is ahead of all."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from steelyard.statistics.exact import sign_test
from steelyard.statistics.families import from_labels
from steelyard.statistics.power import misses_too_many
from steelyard.statistics.special import Floats

METHOD = "pairwise/1"
ALPHA = 0.05
"""The tie-break's own question, asked of a set the scores could not tell apart, so with an error rate of its own."""


@dataclass(frozen=True)
class PairFigures:
    """One pair over the cases compared: the first is preferred on `wins`, the second on `losses`.

    `p` is two-sided, of the exact sign test over families of cases: `families_won` against `families_lost` (the same as
    wins and losses where no case has a family).
    """

    first: int
    second: int
    n: int
    wins: int
    losses: int
    ties: int
    families_won: int
    families_lost: int
    p: float

    def seen_from(self, model: int) -> PairFigures:
        """The same with that model first."""
        if model == self.first:
            return self
        return PairFigures(
            first=self.second,
            second=self.first,
            n=self.n,
            wins=self.losses,
            losses=self.wins,
            ties=self.ties,
            families_won=self.families_lost,
            families_lost=self.families_won,
            p=self.p,
        )


@dataclass(frozen=True)
class Orders:
    """What came of showing two outputs both ways round, over all comparisons made.

    `kept`: the same output was preferred in both orders. `flipped`: the same place was, so the other output. `even`:
    neither was, in both. `half`: one was in one order and neither in the other. Identical outputs are not shown.
    """

    kept: int
    flipped: int
    even: int
    half: int

    @property
    def shown(self) -> int:
        return self.kept + self.flipped + self.even + self.half

    @property
    def consistency(self) -> float | None:
        """The share (0-1) of comparisons in which both orders agree; None where none was made."""
        return (self.kept + self.even) / self.shown if self.shown else None

    @property
    def follows_position(self) -> bool:
        """Whether a preference went with the place more often than with the output."""
        return self.flipped > self.kept


@dataclass(frozen=True)
class TieBreak:
    """What pairwise comparison says of a tied set. Models are places in that set.

    `ahead` is preferred to every other, the largest p below alpha; None otherwise, and then `reason` says why in a
    machine word: follows_position, missing (over 5% of a pair's comparisons were not made) or none_ahead. `leader` is
    preferred more often than not to every other, whatever p; None where there is none.
    """

    ahead: int | None
    leader: int | None
    p: float | None
    pairs: tuple[PairFigures, ...]
    orders: Orders
    missing: int
    reason: str | None
    alpha: float = ALPHA
    method: str = METHOD

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; `from_json` gives an equal value back."""
        return asdict(self) | {"pairs": [asdict(pair) for pair in self.pairs]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TieBreak:
        """The inverse of `to_json`."""
        pairs = tuple(PairFigures(**pair) for pair in data["pairs"])
        return cls(**dict[str, Any](data, pairs=pairs, orders=Orders(**data["orders"])))


def break_tie(
    k: int,
    pairs: Sequence[tuple[int, int]],
    votes: npt.ArrayLike,
    orders: Orders,
    clusters: Iterable[Hashable],
    missing: Sequence[int],
) -> TieBreak:
    """Who of k tied models is ahead by pairwise comparison.

    pairs: every pair of places among the k. votes: (n_pairs, n_cases) float64 from 1 (the first of the pair preferred)
    to -1, a case's trials averaged, NaN where the pair was not compared on the case. clusters: one hashable label a
    case; cases of one label are a family and one piece of evidence, None is a family of its own. missing: for each
    pair the comparisons that were wanted and not made.

    A model is ahead of another with p below alpha of the two-sided exact sign test over families (Conover 1999, ch.
    3.4), and ahead of the set when its largest p is, with no further correction: as for a best model, to claim it
    falsely takes to be wrong about the one rival that is as good. Under equal models each comparison is as likely to
    fall either way, however the judge is drawn to a place, since both orders have to agree.
    ValueError when a shape does not fit or a vote lies outside -1 to 1.
    """
    table = np.asarray(votes, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] != len(pairs) or len(missing) != len(pairs):
        raise ValueError(f"votes has the shape {table.shape}; it needs one row for each of {len(pairs)} pairs.")
    if np.any(np.abs(table[~np.isnan(table)]) > 1):
        raise ValueError("votes must lie within -1 to 1 (NaN where a case was not compared).")
    families = from_labels(clusters, table.shape[1])
    made = np.where(np.isnan(table), 0.0, table)
    totals = families.sums(made.T)
    # A family's total is a sum of fractions: what is only rounding is no preference.
    signs = np.sign(np.where(np.abs(totals) < 1e-9, 0.0, totals))
    figures = tuple(_figures(pair, table[row], signs[row]) for row, pair in enumerate(pairs))
    too_few = any(misses_too_many(gone, gone + pair.n) for gone, pair in zip(missing, figures, strict=True))
    leaders = [model for model in range(k) if all(one.families_won > one.families_lost for one in _of(model, figures))]
    leader = leaders[0] if leaders else None
    p = None if leader is None else max((one.p for one in _of(leader, figures)), default=None)
    reason = (
        "follows_position"
        if orders.follows_position
        else "missing"
        if too_few
        else None
        if p is not None and p < ALPHA
        else "none_ahead"
    )
    return TieBreak(
        ahead=leader if reason is None else None,
        leader=leader,
        p=p,
        pairs=figures,
        orders=orders,
        missing=sum(missing),
        reason=reason,
    )


def _figures(pair: tuple[int, int], votes: Floats, families: Floats) -> PairFigures:
    compared = votes[~np.isnan(votes)]
    won, lost = int((families > 0).sum()), int((families < 0).sum())
    return PairFigures(
        first=pair[0],
        second=pair[1],
        n=int(compared.size),
        wins=int((compared > 0).sum()),
        losses=int((compared < 0).sum()),
        ties=int((compared == 0).sum()),
        families_won=won,
        families_lost=lost,
        p=float(sign_test(np.array([won]), np.array([lost]))[0]),
    )


def _of(model: int, figures: Sequence[PairFigures]) -> list[PairFigures]:
    return [one.seen_from(model) for one in figures if model in (one.first, one.second)]
