"""Records uses of skills, and feedback on them, from the program that uses them.

Only the standard library is imported here, as this comes with every `import steelyard`.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from steelyard.client.sender import MOST_WAITING, Sender, flush_all

if TYPE_CHECKING:
    from decimal import Decimal

DEFAULT_URL = "http://127.0.0.1:8765"
FeedbackKind = Literal["thumb_up", "thumb_down", "rating", "training_example", "suggestion"]


class Recorder:
    """Sends to one Steelyard, in the background. No method raises or waits for the network, but `flush`.

    `url` and `key` default to STEELYARD_URL (else http://127.0.0.1:8765) and STEELYARD_KEY.
    """

    def __init__(self, url: str | None = None, key: str | None = None, *, most_waiting: int = MOST_WAITING) -> None:
        self._url = url
        self._key = key
        self._most = most_waiting

    def configure(self, url: str | None = None, key: str | None = None) -> None:
        """Send there from now on; what was recorded before still goes where it was to go."""
        self._url, self._key = url, key
        self.__dict__.pop("senders", None)

    @property
    def _senders(self) -> tuple[Sender, Sender]:
        """Of uses and of feedback: where the server takes no more of the one for a while, the other does not wait.

        Made when they are first needed, as the environment may be set until then.
        """
        found = self.__dict__.get("senders")
        if found is None:
            url = self._url or os.environ.get("STEELYARD_URL") or DEFAULT_URL
            key = self._key or os.environ.get("STEELYARD_KEY") or None
            made = Sender(url, key, most=self._most), Sender(url, key, most=self._most)
            # At once in several threads: the first ones made are everyone's.
            found = self.__dict__.setdefault("senders", made)
        return found

    @property
    def dropped(self) -> int:
        """What found no place among those waiting to be sent."""
        return sum(sender.dropped for sender in self._senders)

    @property
    def refused(self) -> int:
        """What could not be recorded, or was not kept by the server; the log of `steelyard` has the reasons."""
        return sum(sender.refused for sender in self._senders)

    @property
    def waiting(self) -> int:
        """What is not yet known to have arrived."""
        return sum(sender.waiting for sender in self._senders)

    def record(
        self,
        skill: str,
        *,
        response: object = None,
        model: str | None = None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cache_read_tokens: int = 0,
        cache_write_tokens: int = 0,
        reasoning_tokens: int = 0,
        input_excludes_cache: bool = False,
        cost_usd: float | Decimal | str | None = None,
        latency_ms: float | None = None,
        skill_version: str | None = None,
        measured_at: datetime | None = None,
        source: str = "python",
        key: str | None = None,
    ) -> None:
        """One use of a skill: by the `response` of the anthropic, openai or google-genai SDK, or by its counts.

        `model` is `provider:name`; a response names its own. Counts as in docs/measurements.md: input with the cache's
        tokens unless `input_excludes_cache`, output with reasoning. `measured_at` is now if left out. `key` tells
        repeats apart and is made here if left out, so that what is sent again counts once.
        """
        try:
            if response is not None:
                from steelyard.client.responses import read_response

                named, usage = read_response(response)
                model = model or named
                input_tokens, output_tokens = usage.input_tokens, usage.output_tokens
                cache_read_tokens, cache_write_tokens = usage.cache_read_tokens, usage.cache_write_tokens
                reasoning_tokens, input_excludes_cache = usage.reasoning_tokens, False
            moment = datetime.now(UTC) if measured_at is None else measured_at
            self._put(
                self._senders[0],
                "/v1/measurements",
                "measurements",
                {
                    "key": key or _new_key(),
                    "skill": skill,
                    "skill_version": skill_version,
                    "model": model,
                    "measured_at": (moment if moment.tzinfo else moment.astimezone()).isoformat(),
                    "input_tokens": input_tokens,
                    "output_tokens": output_tokens,
                    "cache_read_tokens": cache_read_tokens,
                    "cache_write_tokens": cache_write_tokens,
                    "reasoning_tokens": reasoning_tokens,
                    "input_excludes_cache": input_excludes_cache,
                    "cost_usd": None if cost_usd is None else str(cost_usd),
                    "latency_ms": latency_ms,
                    "source": source,
                },
            )
        except Exception as error:
            # Whatever is wrong with it, the program that records has its own work to do.
            self._senders[0].drop(f"A use of a skill could not be recorded: {error or type(error).__name__}")

    def measure(self, skill: str, *, model: str | None = None, skill_version: str | None = None) -> Measure:
        """`with recorder.measure("quiz-answer") as use: use.response(call(...))`: records it with the time it took."""
        return Measure(self, skill, model, skill_version)

    def feedback(
        self,
        skill: str,
        kind: FeedbackKind,
        *,
        rating: int | None = None,
        comment: str | None = None,
        example_input: str | None = None,
        example_output: str | None = None,
        expected_output: str | None = None,
        title: str | None = None,
        body: str | None = None,
        author: str | None = None,
        model: str | None = None,
        key: str | None = None,
    ) -> None:
        """What a user says of the skill; a rating has a `rating` of 1 to 10, a suggestion a `title` and a `body`."""
        try:
            self._put(
                self._senders[1],
                "/v1/feedback",
                None,
                {
                    "key": key or _new_key(),
                    "skill": skill,
                    "kind": kind,
                    "rating": rating,
                    "comment": comment,
                    "example_input": example_input,
                    "example_output": example_output,
                    "expected_output": expected_output,
                    "title": title,
                    "body": body,
                    "author": author,
                    "model": model,
                },
            )
        except Exception as error:
            # As of a use.
            self._senders[1].drop(f"Feedback could not be recorded: {error or type(error).__name__}")

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Wait until all that was recorded has arrived; False when it has not within `timeout_s` seconds."""
        return flush_all(self._senders, timeout_s)

    def _put(self, sender: Sender, path: str, within: str | None, item: dict[str, Any]) -> None:
        import json

        told = {name: value for name, value in item.items() if value is not None}
        sender.put(path, within, json.dumps(told, allow_nan=False))


class Measure:
    """Uses of a skill inside a `with`: each is recorded as it is told, with the time since the one before."""

    def __init__(self, recorder: Recorder, skill: str, model: str | None, skill_version: str | None) -> None:
        self._recorder = recorder
        self._skill = skill
        self._model = model
        self._version = skill_version
        self._since = time.perf_counter()

    def __enter__(self) -> Measure:
        self._since = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def response(self, response: object, *, model: str | None = None) -> None:
        """A model's answer, as its SDK gives it; `model` if it is not the one that was given to `measure`."""
        self._recorder.record(
            self._skill,
            response=response,
            model=model or self._model,
            skill_version=self._version,
            latency_ms=self._passed_ms(),
        )

    def tokens(
        self,
        input_tokens: int,
        output_tokens: int,
        *,
        model: str | None = None,
        cache_read_tokens: int = 0,
        cache_write_tokens: int = 0,
        reasoning_tokens: int = 0,
    ) -> None:
        """The same by its counts; `model` if it is not the one that was given to `measure`."""
        self._recorder.record(
            self._skill,
            model=model or self._model,
            skill_version=self._version,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cache_read_tokens=cache_read_tokens,
            cache_write_tokens=cache_write_tokens,
            reasoning_tokens=reasoning_tokens,
            latency_ms=self._passed_ms(),
        )

    def _passed_ms(self) -> float:
        now = time.perf_counter()
        passed, self._since = (now - self._since) * 1000, now
        return passed


def _new_key() -> str:
    return os.urandom(16).hex()
