"""Users who look, wait, look on, say what they think and start benchmarks, each one request at a time."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import aiohttp

from benchmarks.pages.library import MAIN
from benchmarks.users.people import SKILL, Person
from steelyard.domain.access import Role

# Seconds a user reads before the next step.
READS_S = (2.0, 6.0)
TIMEOUT_S = 30.0
_TOKEN = re.compile(r'<meta name="csrf-token" content="([0-9a-f]+)">')
_RUN = re.compile(r"/runs/[0-9a-f-]{36}")


@dataclass(frozen=True)
class Asked:
    """One request: what it was, when it ended (monotonic seconds), how long it took, and what was wrong with it."""

    what: str
    ended_s: float
    took_ms: float
    wrong: str | None


@dataclass
class Crowd:
    """What `people` do at `address` for `seconds`; `asked` and `runs` fill while they do it. Seeded."""

    address: str
    people: Sequence[Person]
    cookie: str
    seconds: float
    seed: int
    asked: list[Asked] = field(default_factory=list[Asked])
    runs: set[str] = field(default_factory=set[str])

    async def work(self) -> None:
        """Returns once everybody has left."""
        connector = aiohttp.TCPConnector(limit=len(self.people))
        ends = time.monotonic() + self.seconds
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with (
            aiohttp.ClientSession(
                self.address, connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
            ) as session,
            asyncio.TaskGroup() as group,
        ):
            for number, person in enumerate(self.people):
                visitor = _Visitor(self, session, person, Random(f"{self.seed}:{number}"))
                group.create_task(visitor.stay(ends))


class _Visitor:
    def __init__(self, crowd: Crowd, session: aiohttp.ClientSession, person: Person, dice: Random) -> None:
        self._crowd = crowd
        self._session = session
        self._person = person
        self._dice = dice
        self._cookies = {crowd.cookie: person.token}
        self._token = ""

    async def stay(self, ends: float) -> None:
        await asyncio.sleep(self._dice.uniform(0, READS_S[1]))
        while time.monotonic() < ends:
            await self._step()
            await asyncio.sleep(self._dice.uniform(*READS_S))

    async def _step(self) -> None:
        steps = {
            "list of skills": (20, self._list),
            "Benchmark tab": (30, self._tab),
            "Details tab": (12, self._details),
            "a run": (12, self._run),
            "models": (4, self._models),
            "queue": (6, self._queue),
            "feedback": (8, self._feedback),
        }
        if self._person.role is not Role.VIEWER:
            steps["start a run"] = (3, self._start)
        name = self._dice.choices(list(steps), [weight for weight, _ in steps.values()])[0]
        await steps[name][1](name)

    async def _list(self, name: str) -> None:
        await self._get(name, self._dice.choice(("/", "/?stale=1", "/?q=report", "/?sort=cost&dir=desc")))

    async def _tab(self, name: str) -> None:
        await self._get(name, f"/skills/{MAIN}/benchmark")

    async def _details(self, name: str) -> None:
        await self._get(name, f"/skills/{MAIN}/details")

    async def _run(self, name: str) -> None:
        known = sorted(self._crowd.runs)
        await self._get(name, self._dice.choice(known) if known else f"/skills/{MAIN}/runs")

    async def _models(self, name: str) -> None:
        await self._get(name, "/models")

    async def _queue(self, name: str) -> None:
        await self._get(name, "/queue")

    async def _feedback(self, name: str) -> None:
        await self._get("Details tab", f"/skills/{MAIN}/details")
        fields = {"kind": "thumb_up", "comment": "It weighed right."}
        await self._post(name, f"/skills/{MAIN}/feedback", fields)

    async def _start(self, name: str) -> None:
        form = f"/skills/{SKILL}/benchmark/new"
        await self._get("run form", form)
        # Called anew: what another has paid for would be taken over.
        fields = {
            "models": "openai:gpt-4o-mini",
            "cases": "golden",
            "arm": "with_skill",
            "judge": "other",
            "judge_model": "openai:judge",
            "fresh": "1",
        }
        text, location = await self._post(name, form, fields)
        found = _RUN.search(location or text)
        if found is not None:
            self._crowd.runs.add(found[0])
            await self._get("a run", found[0])

    async def _get(self, what: str, path: str) -> None:
        text, _ = await self._ask(what, "GET", path)
        found = _TOKEN.search(text)
        if found is not None:
            self._token = found[1]

    async def _post(self, what: str, path: str, fields: Mapping[str, str]) -> tuple[str, str]:
        return await self._ask(what, "POST", path, dict(fields) | {"csrf_token": self._token})

    async def _ask(self, what: str, method: str, path: str, data: dict[str, str] | None = None) -> tuple[str, str]:
        began = time.monotonic()
        text, location, wrong = "", "", None
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        try:
            async with self._session.request(
                method, path, data=data, headers={"cookie": cookies}, allow_redirects=False
            ) as answer:
                text = await answer.text()
                location = answer.headers.get("location", "")
                self._cookies |= {name: morsel.value for name, morsel in answer.cookies.items()}
                expected = (200,) if method == "GET" else (200, 303)
                if answer.status not in expected:
                    wrong = f"{answer.status} at {method} {path}"
                elif "/sign-in" in location:
                    wrong = f"signed out at {path}"
        except (aiohttp.ClientError, TimeoutError) as error:
            wrong = f"{type(error).__name__} at {method} {path}"
        ended = time.monotonic()
        self._crowd.asked.append(Asked(what, ended, (ended - began) * 1000, wrong))
        return text, location
