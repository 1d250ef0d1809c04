"""Pieces of work between two processes of ours, each after its length."""

from __future__ import annotations

LENGTH_BYTES = 8


def framed(data: bytes) -> bytes:
    """One frame: the length in 8 bytes, the most significant first, and the data."""
    return len(data).to_bytes(LENGTH_BYTES, "big") + data
