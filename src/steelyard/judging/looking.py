"""Looking at an output by checks, as work that is sent to another process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steelyard.domain.cases import Check
from steelyard.domain.errors import CaseError
from steelyard.judging.checks import could_not, run_check, validate_check

MOST_MEMORY_BYTES = 1_000_000_000


@dataclass(frozen=True)
class Work:
    """Checks to look at an output by; without one, whether they can be used. `limit_s` of the processor are for all."""

    checks: Sequence[Check]
    output: str | None
    limit_s: float


@dataclass(frozen=True)
class Looked:
    """What came of one check: `said` is evidence, or what is wrong with the check itself."""

    good: bool
    said: str


def looked(check: Check, output: str | None) -> Looked:
    """One check's answer."""
    try:
        if output is None:
            validate_check(check)
            return Looked(True, "")
        result = run_check(check, output)
    except CaseError as error:
        return Looked(False, error.message)
    except MemoryError:
        return Looked(False, could_not(f"it needs more memory than {MOST_MEMORY_BYTES // 10**6:,} MB"))
    return Looked(result.passed, result.evidence)
