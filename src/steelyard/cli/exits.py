"""Exit codes, and which of them an error ends with. Scripts rely on these numbers."""

from __future__ import annotations

from steelyard.domain.errors import (
    BudgetExceeded,
    Conflict,
    Forbidden,
    InputError,
    JudgeRefused,
    NotFound,
    NotSignedIn,
    ProvidersFailed,
    SteelyardError,
    TooFewCases,
)

OK = 0
FAULT = 1
USAGE = 2
NO_VERDICT = 3
BUDGET = 4
PROVIDERS = 5
JUDGE = 6
STALE = 7
INTERRUPTED = 130

MEANINGS = {
    OK: "done",
    FAULT: "an unexpected fault, or the database cannot be used",
    USAGE: "the command, a file or a name cannot be used",
    NO_VERDICT: "no verdict of the kind asked for by --require",
    BUDGET: "stopped by the budget",
    PROVIDERS: "no model gave a single answer, or the judge not one grade",
    JUDGE: "the judge failed its examination",
    STALE: "a benchmark is stale (stale --fail)",
    INTERRUPTED: "interrupted (what was paid is saved)",
}


def code_of(error: SteelyardError) -> int:
    """The exit code for an error a person may meet."""
    match error:
        case BudgetExceeded():
            return BUDGET
        case ProvidersFailed():
            return PROVIDERS
        case JudgeRefused():
            return JUDGE
        case InputError() | NotFound() | Conflict() | TooFewCases() | NotSignedIn() | Forbidden():
            return USAGE
        case _:
            return FAULT
