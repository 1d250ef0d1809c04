"""Files damaged at random, and the bounds that reading them has to keep. STEELYARD_FUZZ_EXAMPLES sets how many."""

from __future__ import annotations

import os
import time
import tracemalloc
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("STEELYARD_FUZZ_EXAMPLES", "40"))
fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
# What means something in one of the notations, so that damage gets past the first letter.
_PIECES = [
    *(
        b"\x00",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"\r",
        b"\n",
        b"---\n",
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b"'",
    ),
    *(b"&a ", b"*a", b"!!python/object:x ", b"<<: ", b"|", b">", b"? ", b"- ", b": ", b"\t", b",", b";", b"\\u0000"),
    *(b"\\ud800", b"NaN", b"Infinity", b"-1", b"1e999", b"0x10", b"9" * 400, b"null", b"true", b"2026-13-45"),
    *(b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"../", b"\x7f", b"\x80" * 9, b"\x0a\xff\xff\xff\x7f"),
]
_PLACES = st.floats(0, 1, exclude_max=True)
_EDITS = st.one_of(
    st.tuples(st.just("put"), _PLACES, st.sampled_from(_PIECES) | st.binary(max_size=6)),
    st.tuples(st.just("cut"), _PLACES, st.integers(1, 40)),
    st.tuples(st.just("again"), _PLACES, st.integers(1, 200)),
    st.tuples(st.just("end"), _PLACES, st.just(0)),
)


def damaged(originals: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """One of the originals with a few pieces put in, cut out or doubled, or cut off; sometimes any bytes at all."""
    edited = st.tuples(st.sampled_from(originals), st.lists(_EDITS, min_size=1, max_size=4)).map(lambda it: _edit(*it))
    return edited | st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace"))


def _edit(data: bytes, edits: Sequence[tuple[str, float, bytes | int]]) -> bytes:
    for kind, place, what in edits:
        at = int(place * len(data))
        if isinstance(what, bytes):
            data = data[:at] + what + data[at:]
        elif kind == "cut":
            data = data[:at] + data[at + what :]
        elif kind == "again":
            data = data[: at + what] + data[at:]
        else:
            data = data[:at]
    return data


@contextmanager
def at_most(seconds: float, megabytes: float | None = None) -> Generator[None]:
    """What is done within takes at most so much of the processor, and of memory at its peak."""
    if megabytes is not None:
        tracemalloc.start()
    began = time.process_time()
    try:
        yield
        took = time.process_time() - began
        peak = tracemalloc.get_traced_memory()[1] / 1e6 if megabytes is not None else 0.0
    finally:
        tracemalloc.stop()
    assert took <= seconds, f"{took:.1f} s of the processor, not {seconds:g}"
    assert megabytes is None or peak <= megabytes, f"{peak:.0f} MB at the peak, not {megabytes:g}"
