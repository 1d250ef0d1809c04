"""Verdicts and figures about scores: pure functions on numpy arrays, imported on first use.

`import steelyard.statistics` loads neither numpy nor scipy; a name below loads its module when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steelyard.statistics.agreement import Agreement, JudgeAgreement, judge_agreement, krippendorff_alpha
    from steelyard.statistics.calibration import Calibration, calibrate, points_of_ratings
    from steelyard.statistics.decision import METHOD, decide
    from steelyard.statistics.drift import Shift, mean_shift, share_shift
    from steelyard.statistics.effect import EffectClaim, SkillEffect, claim_effect
    from steelyard.statistics.further import NextClaim, next_claim
    from steelyard.statistics.health import SuspectCase, settled_cases, suspect_cases
    from steelyard.statistics.intervals import (
        Interval,
        Lift,
        lift,
        mean_interval,
        quantile,
        quantiles,
        wilson_interval,
    )
    from steelyard.statistics.jury import (
        Jury,
        NotComparable,
        OwnFamilyCheck,
        both_ways,
        effective_jurors,
        own_family_check,
        pool_jurors,
    )
    from steelyard.statistics.length import AdjustedGap, LengthEffect, length_effect
    from steelyard.statistics.own_family import Advantage, OwnFamilyBias, own_family_bias
    from steelyard.statistics.pairwise import Orders, PairFigures, TieBreak, break_tie
    from steelyard.statistics.power import (
        FEWEST_CASES,
        alpha_for_look,
        cases_needed,
        detectable_lead,
        misses_too_many,
        unseen_share,
    )
    from steelyard.statistics.ppi import HumanEstimate, human_difference, human_mean
    from steelyard.statistics.race import Dropped, Race, first_drop
    from steelyard.statistics.scaling import Scaled, scaled_amount
    from steelyard.statistics.simultaneous import SimultaneousGap, gaps_to_leader
    from steelyard.statistics.verdict import GapFigures, ModelFigures, Verdict
    from steelyard.statistics.wording import sentence

__all__ = [
    "FEWEST_CASES",
    "METHOD",
    "AdjustedGap",
    "Advantage",
    "Agreement",
    "Calibration",
    "Dropped",
    "EffectClaim",
    "GapFigures",
    "HumanEstimate",
    "Interval",
    "JudgeAgreement",
    "Jury",
    "LengthEffect",
    "Lift",
    "ModelFigures",
    "NextClaim",
    "NotComparable",
    "Orders",
    "OwnFamilyBias",
    "OwnFamilyCheck",
    "PairFigures",
    "Race",
    "Scaled",
    "Shift",
    "SimultaneousGap",
    "SkillEffect",
    "SuspectCase",
    "TieBreak",
    "Verdict",
    "alpha_for_look",
    "both_ways",
    "break_tie",
    "calibrate",
    "cases_needed",
    "claim_effect",
    "decide",
    "detectable_lead",
    "effective_jurors",
    "first_drop",
    "gaps_to_leader",
    "human_difference",
    "human_mean",
    "judge_agreement",
    "krippendorff_alpha",
    "length_effect",
    "lift",
    "mean_interval",
    "mean_shift",
    "misses_too_many",
    "next_claim",
    "own_family_bias",
    "own_family_check",
    "points_of_ratings",
    "pool_jurors",
    "quantile",
    "quantiles",
    "scaled_amount",
    "sentence",
    "settled_cases",
    "share_shift",
    "suspect_cases",
    "unseen_share",
    "wilson_interval",
]

_HOMES = {
    "agreement": ("Agreement", "JudgeAgreement", "judge_agreement", "krippendorff_alpha"),
    "calibration": ("Calibration", "calibrate", "points_of_ratings"),
    "decision": ("METHOD", "decide"),
    "drift": ("Shift", "mean_shift", "share_shift"),
    "effect": ("EffectClaim", "SkillEffect", "claim_effect"),
    "further": ("NextClaim", "next_claim"),
    "health": ("SuspectCase", "settled_cases", "suspect_cases"),
    "jury": (
        "Jury",
        "NotComparable",
        "OwnFamilyCheck",
        "both_ways",
        "effective_jurors",
        "own_family_check",
        "pool_jurors",
    ),
    "length": ("AdjustedGap", "LengthEffect", "length_effect"),
    "power": ("FEWEST_CASES", "alpha_for_look", "cases_needed", "detectable_lead", "misses_too_many", "unseen_share"),
    "intervals": ("Interval", "Lift", "lift", "mean_interval", "quantile", "quantiles", "wilson_interval"),
    "own_family": ("Advantage", "OwnFamilyBias", "own_family_bias"),
    "pairwise": ("Orders", "PairFigures", "TieBreak", "break_tie"),
    "ppi": ("HumanEstimate", "human_difference", "human_mean"),
    "race": ("Dropped", "Race", "first_drop"),
    "scaling": ("Scaled", "scaled_amount"),
    "simultaneous": ("SimultaneousGap", "gaps_to_leader"),
    "verdict": ("GapFigures", "ModelFigures", "Verdict"),
    "wording": ("sentence",),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
