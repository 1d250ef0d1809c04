"""What a race may claim where it ends: the same verdicts as of a full table, on what its models ran."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import fsum, inf, isnan
from typing import TYPE_CHECKING

import numpy as np

from steelyard.statistics.intervals import column_intervals
from steelyard.statistics.paired import column_means
from steelyard.statistics.power import FEWEST_CASES, FEWEST_FAMILIES, cases_needed, step_within_reach
from steelyard.statistics.sampled import Compared
from steelyard.statistics.special import Floats
from steelyard.statistics.verdict import GapFigures, Kind, ModelFigures, Verdict

if TYPE_CHECKING:
    from steelyard.statistics.race import Race

METHODS = {"set": "race-set/1", "future": "race-future/1"}
_REACH = 1_000


def race_verdict(race: Race, prices: Floats | None, margin: float) -> Verdict:
    """The verdict of `Race.verdict`, whose arguments are checked already. `prices`: (n_models,), NaN where unknown."""
    return _Finish(race, prices, margin).verdict


@dataclass(frozen=True)
class _Finish:
    race: Race
    prices: Floats | None
    margin: float

    @cached_property
    def lost(self) -> list[int]:
        """Left out for missing scores."""
        return [gone.model for gone in self.race.dropped if gone.by is None]

    @cached_property
    def beaten(self) -> list[int]:
        return [gone.model for gone in self.race.dropped if gone.by is not None]

    @cached_property
    def left(self) -> list[int]:
        return list(self.race.survivors)

    @cached_property
    def compared(self) -> Compared | None:
        return self.race.compared(np.array(self.left, dtype=np.int64)) if self.left else None

    @cached_property
    def leader(self) -> int | None:
        """Of the survivors the highest mean; of equal ones the cheapest of known cost, then the first."""
        if self.compared is None:
            return None
        means = column_means(self.compared.scores)

        def order(place: int) -> tuple[float, float, int]:
            price = self._price(self.left[place])
            return -float(means[place]), inf if price is None else price, place

        return self.left[min(range(len(self.left)), key=order)]

    @cached_property
    def verdict(self) -> Verdict:
        race, compared = self.race, self.compared
        kind, best, tied, reason = self._claim()
        more = self._more_cases() if kind == "not_enough" and reason != "one_model_left" else None
        gaps = () if self.leader is None or race.n_models == 1 else self._gaps(self.leader)
        hardest = max(gaps, key=lambda gap: (gap.p, -gap.rival), default=None)
        return Verdict(
            kind=kind,
            best=best,
            tied=tied,
            cheapest_good_enough=self._cheapest() if reason in (None, "identical_scores") else None,
            more_cases=more,
            more_cost_microcents=self._cost_of(more),
            models=tuple(self._figures(model) for model in range(race.n_models)),
            gaps=gaps,
            leader=None if reason == "one_model_left" else self.leader,
            look=1,
            alpha=race.alpha,
            margin=self.margin,
            n=0 if compared is None else compared.pairs.n,
            n_clusters=None if compared is None or compared.families is None else compared.families.count,
            test=None if hardest is None else hardest.test,
            reason=reason,
            method=METHODS[race.target],
        )

    def _claim(self) -> tuple[Kind, int | None, tuple[int, ...], str | None]:
        """(kind, best, tied, reason)."""
        race, compared, leader = self.race, self.compared, self.leader
        if compared is None or leader is None:
            started = race.n > 0
            reason = "no_cases" if not started else "no_complete_cases" if self.left else "missing_scores"
            return "not_enough", None, (), reason
        if race.n_models == 1:
            return "single", None, (), None
        if not self.beaten and len(self.left) == 1:
            return "not_enough", None, (), "one_model_left"
        if compared.pairs.n < FEWEST_CASES:
            return "not_enough", None, (), "too_few_cases"
        if compared.families is not None and compared.families.count < FEWEST_FAMILIES:
            return "not_enough", None, (), "too_few_clusters"
        return self._shown(compared, leader)

    def _shown(self, compared: Compared, leader: int) -> tuple[Kind, int | None, tuple[int, ...], str | None]:
        alpha, m, place = self.race.alpha / 2, len(self.left), self.left.index(leader)
        rivals = [other for other in range(m) if other != place]
        if not rivals or max(float(compared.p[place, rival]) for rival in rivals) < alpha:
            return "best", leader, (leader,), None
        identical = bool((compared.scores == compared.scores[:, :1]).all())
        if identical and not self.beaten:
            return "tied", None, tuple(self.left), "identical_scores"
        above = (compared.pairs.mean > 0) & (compared.p / 2 < alpha / max(m - 1, 2))
        kept = tuple(self.left[other] for other in np.flatnonzero(~above.any(axis=0)).tolist())
        if self.beaten or len(kept) < m:
            # One alone is left where each rival is behind somebody, yet not each behind the leader.
            return "tied", None, kept if len(kept) > 1 else tuple(self.left), None
        apart = ~np.eye(m, dtype=np.bool_)
        within = bool((compared.upper(alpha)[apart] < self.margin).all())
        return ("tied", None, kept, None) if within else ("not_enough", None, (), None)

    def _cheapest(self) -> int | None:
        """The cheapest model of known cost that no rival is ahead of by the margin, allowing for every look."""
        race = self.race
        rivals = [model for model in range(race.n_models) if model not in self.lost]
        if self.prices is None or len(rivals) < 2:
            return None
        alpha = race.alpha / ((len(rivals) - 1) * race.looks)
        means = {model: self._figures(model).mean or 0.0 for model in rivals}

        def behind(model: int, rival: int) -> bool:
            pair = self._pair(rival, model)
            return pair is not None and float(pair.upper(alpha)[0, 1]) < self.margin

        by_price = sorted(
            (model for model in rivals if self._price(model) is not None),
            key=lambda model: (self._price(model) or 0.0, -means[model], model),
        )
        return next(
            (model for model in by_price if all(behind(model, rival) for rival in rivals if rival != model)), None
        )

    def _gaps(self, leader: int) -> tuple[GapFigures, ...]:
        rivals = [model for model in range(self.race.n_models) if model != leader and model not in self.lost]
        found = ((rival, self._pair(leader, rival)) for rival in rivals)
        alpha = self.race.alpha / (max(len(rivals), 1) * self.race.looks)
        return tuple(_gap(rival, pair, alpha) for rival, pair in found if pair is not None)

    def _pair(self, first: int, second: int) -> Compared | None:
        """Two models on the cases both were called for; survivors on those complete for all survivors."""
        if first in self.left and second in self.left and self.compared is not None:
            return self.compared.of(self.left.index(first), self.left.index(second))
        cases = min(self.race.called(first), self.race.called(second))
        return self.race.compared(np.array([first, second], dtype=np.int64), cases)

    def _figures(self, model: int) -> ModelFigures:
        if model in self.left and self.compared is not None:
            column = self.compared.scores[:, [self.left.index(model)]]
            interval = column_intervals(column, self.compared.families)[0]
        else:
            interval = column_intervals(*self.race.own(model)[:2])[0]
        called, missing = self.race.called(model), self.race.own(model)[2]
        return ModelFigures(
            interval.n,
            interval.mean,
            interval.low,
            interval.high,
            missing / called if called else 0.0,
            model in self.lost,
        )

    def _more_cases(self) -> int | None:
        """Cases until the guards are passed, or until the leader is shown best with 80% power at the final share."""
        race, compared, leader = self.race, self.compared, self.leader
        if race.target == "set" and not race.done:
            return race.n_cases - race.n
        n = 0 if compared is None else compared.pairs.n
        if compared is None or leader is None or compared.pairs.units < 2 or n < FEWEST_CASES:
            return step_within_reach(max(FEWEST_CASES, n + 1), n)
        place = self.left.index(leader)
        units = 1.0 if compared.families is None else compared.families.count / n
        needed = FEWEST_CASES
        for rival in range(len(self.left)):
            if rival == place:
                continue
            lead = max(float(compared.pairs.mean[place, rival]), self.margin)
            sd = float(compared.pairs.sd[place, rival])
            cases = cases_needed(lead, sd, race.alpha / 2, at_most=n + _REACH, units_per_case=units)
            if cases is None:
                return None
            needed = max(needed, cases)
        return step_within_reach(needed, n)

    def _cost_of(self, cases: int | None) -> int | None:
        if cases is None or self.prices is None or not self.left:
            return None
        total = fsum(self.prices[self.left].tolist())
        return None if isnan(total) else round(cases * total)

    def _price(self, model: int) -> float | None:
        price = None if self.prices is None else float(self.prices[model])
        return None if price is None or isnan(price) else price


def _gap(rival: int, pair: Compared, alpha: float) -> GapFigures:
    low, high = pair.interval()
    known = pair.pairs.units > 1
    return GapFigures(
        rival=rival,
        mean=float(pair.pairs.mean[0, 1]),
        se=float(pair.pairs.se[0, 1]) * pair.shrink if known else None,
        p=float(pair.p[0, 1]),
        low=float(low[0, 1]) if known else None,
        high=float(high[0, 1]) if known else None,
        upper=float(pair.upper(alpha)[0, 1]),
        test=pair.test(0, 1),
        n=pair.pairs.n,
    )
