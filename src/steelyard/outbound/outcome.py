"""What became of one attempt to send."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """`status` says it in a few words that never hold a secret; `for_good`: another attempt would come to the same."""

    delivered: bool
    status: str
    for_good: bool = False
