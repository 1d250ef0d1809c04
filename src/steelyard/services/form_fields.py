"""Reading the fields of a form: every problem is kept with its field, so that a person is told of all at once."""

from __future__ import annotations

import math
import re
from collections.abc import Generator
from contextlib import contextmanager

from steelyard.domain.errors import InputError, InvalidForm

# Commas part thousands and nothing else: one read as a decimal's would make ten times of a sum.
_NUMBER = re.compile(r"[+-]?((\d{1,3}(,\d{3})+|\d+)(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d*", re.ASCII)
_LONGEST = 40


class Problems:
    """Collects what is wrong with a form."""

    def __init__(self) -> None:
        self.found: list[InputError] = []

    def add(self, field: str, message: str, next_step: str) -> None:
        self.found.append(InputError(message, field=field, next_step=next_step))

    @contextmanager
    def caught(self, field: str) -> Generator[None]:
        """Keep an InputError raised inside; `field` stands where it names none."""
        try:
            yield
        except InvalidForm:
            raise
        except InputError as error:
            error.field = error.field or field
            if all(error.field != known.field for known in self.found):
                self.found.append(error)

    def number(self, field: str, text: str, default: float) -> float:
        """The number; the default where it is blank, or is none and that is kept."""
        stripped = text.strip()
        if not stripped:
            return default
        if _NUMBER.fullmatch(stripped) is None or not math.isfinite(value := float(stripped.replace(",", ""))):
            decimal = " A comma parts thousands here." if _DECIMAL_COMMA.fullmatch(stripped) else ""
            self.add(
                field,
                f"'{stripped[:_LONGEST]}' is no number.{decimal}",
                "Give digits, with a point for decimals.",
            )
            return default
        return value

    def whole(self, field: str, text: str, default: int) -> int:
        """The whole number; the default where it is blank, or is none and that is kept."""
        value = float(self.number(field, text, default))
        if not value.is_integer() or abs(value) >= 2**53:
            self.add(field, f"'{text.strip()[:_LONGEST]}' is no whole number.", "Give digits alone.")
            return default
        return int(value)

    def raise_any(self) -> None:
        """Raises InvalidForm when anything was wrong."""
        if self.found:
            raise InvalidForm(self.found)
