"""Uses of skills as others tell of them, read into one form. Pure."""

from steelyard.intake.items import Refused, Use, read_item

__all__ = ["Refused", "Use", "read_item"]
