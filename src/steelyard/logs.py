"""What a serving process writes to standard error: lines for a person, or JSON for a collector.

A line is always one line: whatever a log is given of strangers' text, its control characters are written as escapes.
Values of the environment that are secrets are struck out wherever they stand, and so are API keys. The keys of a
tenant's providers are struck out of what is said while it is served, and of no field beside that: it chooses them.
"""

from __future__ import annotations

import json
import logging
import os
import re
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

from steelyard.domain.api_keys import KEY
from steelyard.domain.errors import SettingsError, SteelyardError
from steelyard.domain.masking import masked

VARIABLE = "STEELYARD_LOG"
# The attribute of a record that holds its fields of JSON.
FIELDS = "steelyard_fields"

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_SECRET = re.compile(r"(KEY|TOKEN|PASSWORD|SECRET)\Z")
_SHORTEST_SECRET = 8
# Of a traceback in characters: the end, which says what happened.
_LONGEST_TOLD = 50_000
_about: ContextVar[Mapping[str, str]] = ContextVar("about", default=MappingProxyType({}))


@contextmanager
def about(**ids: str) -> Generator[None]:
    """Every line logged inside says these too (`request_id`, `run_id`, `tenant_id`), also in tasks begun there."""
    token = _about.set({**_about.get(), **ids})
    try:
        yield
    finally:
        _about.reset(token)


def configure(env: Mapping[str, str] | None = None) -> None:
    """Set the process's logging by STEELYARD_LOG: "text", the default, or "json". Raises SettingsError."""
    env = os.environ if env is None else env
    form = (env.get(VARIABLE) or "text").strip().lower()
    if form not in ("text", "json"):
        raise SettingsError(f"{VARIABLE} is neither 'text' nor 'json'.", next_step=f"Unset it, or set {VARIABLE}=json.")
    handler = logging.StreamHandler()
    handler.setFormatter((_Json if form == "json" else _Text)(secrets_of(env)))
    root = logging.getLogger()
    # Others' handlers stay; the one of an earlier call does not, or each line would stand there twice.
    for old in [old for old in root.handlers if isinstance(old.formatter, _Formatter)]:
        root.removeHandler(old)
    root.addHandler(handler)
    logging.getLogger("steelyard").setLevel(logging.INFO if form == "json" else logging.WARNING)


def teller(say: Callable[[str], None]) -> Callable[[str], None]:
    """What tells a person how the process fares: `say`, or under STEELYARD_LOG=json a line of the log."""

    def tell(text: str) -> None:
        if any(isinstance(handler.formatter, _Json) for handler in logging.getLogger().handlers):
            logging.getLogger("steelyard.process").info("%s", text)
        else:
            say(text)

    return tell


def secrets_of(env: Mapping[str, str]) -> tuple[str, ...]:
    """The values of the environment that no line may show: keys, tokens, and passwords in addresses."""
    found = {value for name, value in env.items() if _SECRET.search(name.upper())}
    # A list of keys is as well each of them.
    found |= {part.strip() for value in found for part in value.split(",")}
    for name, value in env.items():
        if name.endswith("DATABASE_URL") and "://" in value:
            password = urlsplit(value).password or ""
            found |= {password, unquote(password)}
    return tuple(sorted((value for value in found if len(value) >= _SHORTEST_SECRET), key=len, reverse=True))


class _Formatter(logging.Formatter):
    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__()
        self._secrets = secrets

    def without_ours(self, text: str) -> str:
        """Without the installation's secrets, and API keys."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        # Of an API key how it begins is left, which lists show too.
        return KEY.sub(r"sy_\1_***", text)

    def struck(self, text: str) -> str:
        """What was said, also without the secrets of the tenant of whom it was."""
        return masked(self.without_ours(text))


class _Text(_Formatter):
    """The message, as a person is told; what follows of a traceback is indented, so that no line passes for another."""

    def format(self, record: logging.LogRecord) -> str:
        lines = [_one_line(self.struck(record.getMessage()))]
        if record.exc_info and record.exc_info[1] is not None:
            told = "".join(traceback.format_exception(record.exc_info[1]))
            if len(told) > _LONGEST_TOLD:
                told = told[-_LONGEST_TOLD:].partition("\n")[2]
            lines += ["  " + _one_line(line) for line in self.struck(told).split("\n") if line]
        return "\n".join(lines)


class _Json(_Formatter):
    """An object a line, in ASCII. Of an exception its kind and where it came from, and its text only if it is ours:
    others repeat rows, prompts and replies."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.struck(record.getMessage()),
            **{name: self._field(value) for name, value in {**_about.get(), **getattr(record, FIELDS, {})}.items()},
        }
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            line["error"] = type(error).__name__
            if isinstance(error, SteelyardError):
                line["error_message"] = self.struck(error.message)
            frames = traceback.extract_tb(error.__traceback__)
            line["frames"] = [self.without_ours(f"{one.filename}:{one.lineno} {one.name}") for one in frames]
        return json.dumps(line)

    def _field(self, value: object) -> object:
        return value if value is None or isinstance(value, int | float) else self.without_ours(str(value))


def _one_line(text: str) -> str:
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
