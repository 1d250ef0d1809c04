"""How much may be sent in a minute: buckets of tokens in this process's memory, and the headers that tell of one."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MINUTE_S = 60.0
_MOST_NAMES = 20_000


@dataclass(frozen=True)
class Allowance:
    """How a bucket stands: `remaining` requests at once, all `limit` of them again after `reset_s` seconds.

    `wait_s` is how long to wait for the next one where this one was not granted, 0 where it was.
    """

    limit: int
    remaining: int
    reset_s: int
    wait_s: int

    @property
    def granted(self) -> bool:
        return self.wait_s == 0

    def headers(self) -> dict[str, str]:
        """As the drafts of the IETF up to the seventh have them, which is what clients read."""
        return {
            "ratelimit-limit": str(self.limit),
            "ratelimit-remaining": str(self.remaining),
            "ratelimit-reset": str(self.reset_s),
            "ratelimit-policy": f"{self.limit};w={MINUTE_S:.0f}",
        }


class Buckets:
    """A bucket for each name: full at first, a token for each request, filled again evenly within a minute.

    At most `most` names are kept; beyond that the one that was asked for longest ago begins anew.
    """

    def __init__(self, clock: Callable[[], float], most: int = _MOST_NAMES) -> None:
        self._clock = clock
        self._most = most
        # The last asked for stands last.
        self._buckets: dict[Hashable, tuple[float, float]] = {}

    def take(self, name: Hashable, a_minute: int) -> Allowance:
        """Take a token, if there is one."""
        now = self._clock()
        tokens, since = self._buckets.pop(name, (float(a_minute), now))
        tokens = min(float(a_minute), tokens + (now - since) * a_minute / MINUTE_S)
        granted = tokens >= 1
        self._keep(name, tokens - 1 if granted else tokens, now)
        left = tokens - 1 if granted else tokens
        wait = 0 if granted else max(1, math.ceil((1 - tokens) * MINUTE_S / a_minute))
        return Allowance(a_minute, int(left), math.ceil((a_minute - left) * MINUTE_S / a_minute), wait)

    def give_back(self, name: Hashable) -> None:
        """The token that was taken last was not for what it was taken for."""
        tokens, since = self._buckets.pop(name, (0.0, self._clock()))
        self._keep(name, tokens + 1, since)

    def _keep(self, name: Hashable, tokens: float, at: float) -> None:
        if len(self._buckets) >= self._most:
            del self._buckets[next(iter(self._buckets))]
        self._buckets[name] = tokens, at


class RateLimitHeaders:
    """Tells of the bucket a request was counted in, where it was in one (`request.state.allowance`)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def with_headers(message: Message) -> None:
            allowance: Allowance | None = state.get("allowance")
            if allowance is not None and message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in allowance.headers().items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, with_headers)
