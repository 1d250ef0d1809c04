"""Steelyard: which model should run each skill, what it will cost, and when to test again."""

__version__ = "0.1.0"
