"""Uses of skills as others tell of them, read into one form. Pure."""

from steelyard.intake.items import Use, read_item
from steelyard.intake.refused import Refused

__all__ = ["Refused", "Use", "read_item"]
