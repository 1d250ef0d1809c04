"""Cases typed in as pairs of input and expected output."""

from __future__ import annotations

from collections.abc import Sequence

from steelyard.domain.cases import CaseSource, GoldenCase
from steelyard.domain.errors import CaseError
from steelyard.skills.text import unstorable


def ad_hoc_cases(inputs: Sequence[str], expects: Sequence[str]) -> tuple[GoldenCase, ...]:
    """One case per input and the expected output at the same place. Raises CaseError when they do not pair up."""
    if len(inputs) != len(expects):
        raise CaseError(
            f"{len(inputs)} inputs and {len(expects)} expected outputs were given.",
            field="ad_hoc",
            next_step="Give each input its expected output.",
        )
    for number, (text, expected) in enumerate(zip(inputs, expects, strict=True), 1):
        if not text.strip() or not expected.strip():
            what = "input" if not text.strip() else "expected output"
            raise CaseError(f"The {what} of pair {number} is empty.", field="ad_hoc", next_step="Give it some text.")
        if reason := unstorable([text, expected]):
            raise CaseError(f"Pair {number} cannot be kept: {reason}.", field="ad_hoc", next_step="Remove it.")
    return tuple(
        GoldenCase(f"ad-hoc-{number}", text, expected, source=CaseSource.AD_HOC)
        for number, (text, expected) in enumerate(zip(inputs, expects, strict=True), 1)
    )
