"""What is told of anything that workers do while nobody has it in hand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """`waits`: what it waits for and what to do, in words; `left`: no worker that is there can do it.

    Told by the services that read the rows, which have other fields besides.
    """

    waits: str | None = None
    left: bool = False
