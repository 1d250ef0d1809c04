"""Addresses of the API with what stands in them."""

from __future__ import annotations

from urllib.parse import quote


def filled(template: str, **named: str) -> str:
    """`/v1/skills/{skill}` with its names filled in; whatever stands in one stays within its part of the path."""
    return template.format(**{name: quote(str(value), safe="") for name, value in named.items()})
