"""One tree of errors: the message is for the person, the attributes are for the program.

Every message says what happened; `kept` says what was not lost and `next_step` what to do now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class SteelyardError(Exception):
    """Base of every error a person may meet."""

    def __init__(self, message: str, *, kept: str | None = None, next_step: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.kept = kept
        self.next_step = next_step

    def __str__(self) -> str:
        return " ".join(part for part in (self.message, self.kept, self.next_step) if part)


class InputError(SteelyardError):
    """Something the person gave cannot be used (exit code 2, HTTP 422).

    `field` names what it was given as, in forms and options alike: "budget", "models".
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        field: str | None = None,
        kept: str | None = None,
        next_step: str | None = None,
    ) -> None:
        where = "" if file is None else f"{file}: " if line is None else f"{file}:{line}: "
        super().__init__(where + message, kept=kept, next_step=next_step)
        self.file = file
        self.line = line
        self.field = field


class InvalidForm(InputError):
    """Fields of one form cannot be used; `problems` has each, in the form's order, with its `field`."""

    def __init__(self, problems: Sequence[InputError]) -> None:
        super().__init__(
            " ".join(problem.message for problem in problems),
            field=problems[0].field if len(problems) == 1 else None,
            next_step=problems[0].next_step if len(problems) == 1 else None,
        )
        self.problems = tuple(problems)


class ItemsRefused(InputError):
    """Every item of a batch was refused; `refused` has of each its place as `index`, the `field`, and the `message`."""

    def __init__(
        self,
        message: str,
        refused: Sequence[Mapping[str, Any]],
        *,
        kept: str | None = None,
        next_step: str | None = None,
    ) -> None:
        super().__init__(message, kept=kept, next_step=next_step)
        self.refused = tuple(refused)


class SkillError(InputError):
    """A skill that cannot be read."""


class CaseError(InputError):
    """A golden case that cannot be read."""


class NoCases(InputError):
    """A skill without golden cases was asked to run."""


class ModelRefError(InputError):
    """A model reference that does not parse or names an unknown provider or model."""


class MissingKey(InputError):
    """A provider is named but no key for it is at hand."""


class SettingsError(InputError):
    """The settings file or an environment variable cannot be used."""


class TooLarge(InputError):
    """More was given than is taken (HTTP 413)."""


class TooSlow(InputError):
    """It did not all arrive in the time that its size may take (HTTP 408)."""


class UnsupportedType(InputError):
    """The body is of a type or encoding that is not read (HTTP 415)."""


class TooMany(SteelyardError):
    """More was sent in a short time than is taken (HTTP 429); `retry_after_s` says when to send again."""

    def __init__(self, message: str, *, retry_after_s: int, next_step: str | None = None) -> None:
        super().__init__(message, kept="Nothing was kept.", next_step=next_step)
        self.retry_after_s = retry_after_s


class NotSignedIn(SteelyardError):
    """Nobody has signed in, or their session has ended (HTTP 401)."""


class IssuerFailed(SteelyardError):
    """An OpenID provider cannot be reached, refuses, or answers what cannot be trusted (HTTP 502)."""


class KeyRefused(NotSignedIn):
    """An API key came with the request, and it is none that can be used."""


class Forbidden(SteelyardError):
    """The request is not one that may be done (HTTP 403)."""


class NotFound(SteelyardError):
    """No such thing for this tenant (HTTP 404)."""


class Conflict(SteelyardError):
    """The thing is in a state that does not allow this (HTTP 409)."""


class JudgeRefused(Conflict):
    """The run's judge failed its examination and was not accepted (exit code 6)."""


class BudgetExceeded(SteelyardError):
    """The budget does not allow another call (exit code 4)."""


class ProvidersFailed(SteelyardError):
    """No model gave a single answer (exit code 5)."""


class StorageError(SteelyardError):
    """The database cannot be reached or started."""


class TooFewCases(SteelyardError):
    """A statistic was asked of fewer cases than it can bear."""
