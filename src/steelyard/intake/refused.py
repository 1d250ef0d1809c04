"""What cannot be kept, by the field to mend."""

from __future__ import annotations


class Refused(ValueError):
    """An item that cannot be kept; `field` is the one to mend."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message
