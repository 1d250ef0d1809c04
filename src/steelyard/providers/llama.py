"""llama.cpp in this process: copies of one model's weights, and generations that can be stopped while they run."""

from __future__ import annotations

import queue
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from steelyard.domain.calls import CallError, FailureKind

# Tokens of a prompt read between two chances to stop; the runtime computes as many at once anyway, so it costs nothing.
_BATCH = 512


@dataclass
class Generation:
    """One call of the runtime, in OpenAI's form, and what has come of it.

    It ends when the runtime does, when `limit_s` have passed since it began, or when `stop` is called, from any thread.
    The runtime is heard after every token and every 512 tokens of the prompt, so that is how late it can end.
    """

    body: Mapping[str, Any]
    limit_s: float
    text: str = ""
    finish_reason: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict[str, Any])
    timings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    error: Mapping[str, Any] | None = None
    latency_ms: float = 0.0
    timed_out: bool = False
    _stop: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """End it at the next token; nothing to do when it has ended."""
        self._stop.set()

    def run(self, runner: Any) -> None:
        """Generate with a loaded copy. Blocking."""
        if self._stop.is_set():
            return
        pieces: list[str] = []
        started = time.perf_counter()
        ends = started + self.limit_s

        def heard(event: dict[str, Any]) -> bool:
            """Take in one event; True stops the generation."""
            self._take(event, pieces)
            if self.usage or self.error is not None:
                return False
            self.timed_out = time.perf_counter() > ends
            return self.timed_out or self._stop.is_set()

        streamed = {"stream": True, "return_progress": True, "stream_options": {"include_usage": True}}
        runner.handle_chat_completions({**self.body, **streamed}, heard)
        self.latency_ms = (time.perf_counter() - started) * 1000
        self.text = "".join(pieces)

    def _take(self, event: Mapping[str, Any], pieces: list[str]) -> None:
        self.error = event.get("error", self.error)
        self.usage = event.get("usage") or self.usage
        self.timings = event.get("timings") or self.timings
        for choice in event.get("choices") or ():
            pieces.append(choice["delta"].get("content") or "")
            self.finish_reason = choice.get("finish_reason") or self.finish_reason


class Copies:
    """Copies of one model, loaded as they are needed and used by one thread at a time."""

    def __init__(self, path: Path, threads: int, context: int, copies: int) -> None:
        self._path = path
        self._threads = threads
        self._context = context
        self._left_to_load = copies
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._lock = threading.Lock()

    def run(self, generation: Generation) -> None:
        """Bring the generation to its end; loading and waiting for a copy are no part of its time. Raises CallError."""
        runner = self._take()
        try:
            generation.run(runner)
        finally:
            self._idle.put(runner)

    def _take(self) -> Any:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            pass
        with self._lock:
            if self._left_to_load:
                runner = self._load()
                self._left_to_load -= 1
                return runner
        return self._idle.get()

    def _load(self) -> Any:
        # An extension module without stubs.
        xllamacpp: Any = import_module("xllamacpp")
        params = xllamacpp.CommonParams()
        params.model.path = str(self._path)
        params.n_ctx = self._context
        params.n_parallel = 1
        params.n_batch = params.n_ubatch = _BATCH
        params.n_gpu_layers = 0
        params.cpuparams.n_threads = self._threads
        params.cpuparams_batch.n_threads = self._threads
        # Every call reads its whole prompt, so that token counts and latencies compare.
        params.cache_prompt = False
        params.cache_ram_mib = 0
        params.warmup = False
        params.verbosity = -1
        # The runtime opens a port on the loopback; nobody else gets to use it.
        params.api_keys = [secrets.token_hex(32)]
        params.ui = params.endpoint_slots = params.endpoint_props = False
        try:
            return xllamacpp.Server(params)
        except (RuntimeError, ValueError) as error:
            raise CallError(
                FailureKind.UNKNOWN_MODEL, f"{self._path} could not be loaded as a GGUF model: {error}"
            ) from error
