"""Grading: deterministic checks and the blind judge, which is handed what it calls models through."""

from steelyard.judging.checks import grade_by_checks, run_check, validate_check
from steelyard.judging.default import DefaultJudge, choose_judge, same_family
from steelyard.judging.judge import Judge
from steelyard.judging.rubric import rubric_of

__all__ = [
    "DefaultJudge",
    "Judge",
    "choose_judge",
    "grade_by_checks",
    "rubric_of",
    "run_check",
    "same_family",
    "validate_check",
]
