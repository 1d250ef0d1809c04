"""Where the CPU of a run goes: samples of what the process is doing, taken every few milliseconds of its CPU time."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

INTERVAL_S = 0.002
IMPORTS = "imports (of everything)"
_WAITING = frozenset({"select", "poll", "wait", "_wait_for_tstate_lock", "acquire", "_worker"})
# What a reader would look for, by the name of the package that a frame's file is in.
_PARTS = {
    "openai": "the vendor's SDK (openai)",
    "pydantic_ai": "pydantic-ai",
    "genai_prices": "genai-prices",
    "aiohttp": "HTTP (aiohttp)",
    "httpx2": "HTTP (httpx)",
    "pydantic": "pydantic",
    "psycopg": "PostgreSQL driver (psycopg)",
    "psycopg_pool": "PostgreSQL driver (psycopg)",
    "procrastinate": "job queue (procrastinate)",
    "steelyard": "Steelyard",
}
_OTHER = "event loop and the rest of the standard library"


class Sampler:
    """Counts samples by part while it is on; the main thread only may start it."""

    def __init__(self) -> None:
        self.samples: Counter[str] = Counter()

    def start(self) -> None:
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, INTERVAL_S, INTERVAL_S)

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def shares(self) -> list[tuple[str, float]]:
        """(part, share of the CPU), the largest first; they sum to 1."""
        total = sum(self.samples.values())
        return [(part, count / total) for part, count in self.samples.most_common()]

    def _sample(self, number: int, frame: FrameType | None) -> None:
        if frame is not None and frame.f_code.co_name in _WAITING:
            # The main thread sleeps, so the CPU was another thread's.
            frames = sys._current_frames().values()  # pyright: ignore[reportPrivateUsage] - documented, despite its name
            others = [other for other in frames if other.f_code.co_name not in _WAITING]
            frame = others[0] if others else frame
        self.samples[_part(frame)] += 1


def _part(frame: FrameType | None) -> str:
    """The innermost package of interest on the stack, unless something is being imported."""
    found: str | None = None
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith("<frozen importlib"):
            return IMPORTS
        if found is None:
            found = next((_PARTS[part] for part in Path(name).parts if part in _PARTS), None)
        frame = frame.f_back
    return found or _OTHER


def main() -> None:
    """`python -m benchmarks.throughput.profile OUT run …`: a command of Steelyard's, sampled; shares go to OUT."""
    from steelyard.cli.main import main as steelyard

    out, sys.argv = sys.argv[1], ["steelyard", *sys.argv[2:]]
    sampler = Sampler()
    sampler.start()
    try:
        steelyard()
    finally:
        sampler.stop()
        Path(out).write_text("".join(f"{share:.4f}\t{part}\n" for part, share in sampler.shares()), encoding="utf-8")


if __name__ == "__main__":
    main()
