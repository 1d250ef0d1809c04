"""Two hundred signed-in users for two minutes: `python -m benchmarks.users`; writes docs/users.md.

The site, its worker, its database, the model server and the users share this machine. A second round does the same
while the database is stopped and started in its middle. It exits with 1 when a request failed (in the second round:
outside the time in which the database was away), when the site's memory has grown, or when a run was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import re
import time
import urllib.request
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.pages.timing import percentile
from benchmarks.site import fill, of_model_server, serving, temporary_home
from benchmarks.users.crowd import READS_S, Asked, Crowd
from benchmarks.users.people import CASES, make_people
from benchmarks.workload import ROOT, model_server, write_between
from steelyard.storage.embedded import ensure_running, stop
from steelyard.web.security.identify import COOKIE

USERS, SECONDS = 200, 120.0
# Grown by more than this from the second quarter to the last, memory is not called flat.
GROWTH = 0.10
# What is in flight when the database is back may still fail for its absence.
SETTLES_S = 5.0
_ENDED = ("completed", "partial")


@dataclass
class Round:
    """One round's figures; `away_s` is from when the database was stopped until it answered again."""

    asked: Sequence[Asked]
    rss_mb: Sequence[float]
    runs: dict[str, str]
    away_s: tuple[float, float] | None = None
    ran_s: float = 0.0
    failures: list[str] = field(default_factory=list[str])

    def judged(self) -> Round:
        """With what does not hold in `failures`."""
        wrong = [one for one in self.asked if one.wrong and not self._excused(one)]
        if wrong:
            self.failures.append(f"{len(wrong):,} requests failed, the first: {wrong[0].wrong}")
        if self.growth > GROWTH:
            self.failures.append(f"memory grew by {self.growth:.0%}")
        lost = [run for run, status in self.runs.items() if status not in _ENDED]
        if lost:
            self.failures.append(f"{len(lost)} of {len(self.runs)} runs did not end: {self.runs[lost[0]]}")
        return self

    def _excused(self, one: Asked) -> bool:
        return self.away_s is not None and self.away_s[0] <= one.ended_s <= self.away_s[1] + SETTLES_S

    @property
    def growth(self) -> float:
        """Of the site's resident memory, from the second quarter of the time to the last."""
        quarter = max(1, len(self.rss_mb) // 4)
        early, late = self.rss_mb[quarter : 2 * quarter], self.rss_mb[-quarter:]
        return sum(late) / len(late) / (sum(early) / len(early)) - 1


def _rss_mb(parent: int) -> float:
    """Resident memory of the site and the processes it has started, without the database."""
    pids, found = [parent], 0.0
    while pids:
        pid = pids.pop()
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            continue
        found += int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024 if "VmRSS" in status else 0.0  # type: ignore[index]
        pids += [int(child) for child in children]
    return found


def _site_pid() -> int:
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    named = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ") for pid in children}
    return next(pid for pid, command in named.items() if b"steelyard.cli.main serve" in command)


async def _round(crowd: Crowd, home: Path, *, restart: bool) -> Round:
    pid = _site_pid()
    rss: list[float] = []
    away: tuple[float, float] | None = None
    began = time.monotonic()
    working = asyncio.create_task(crowd.work())

    async def watch() -> None:
        while True:
            rss.append(_rss_mb(pid))
            await asyncio.sleep(2)

    watching = asyncio.create_task(watch())
    if restart:
        await asyncio.sleep(crowd.seconds / 2)
        gone = time.monotonic()
        await asyncio.to_thread(stop, home)
        await asyncio.to_thread(ensure_running, home)
        away = gone, time.monotonic()
    await working
    watching.cancel()
    ran = time.monotonic() - began
    return Round(crowd.asked, rss, await _ends(crowd), away, ran)


async def _ends(crowd: Crowd) -> dict[str, str]:
    """How each run stands once all have ended, or after two minutes."""
    until = time.monotonic() + 120
    cookie = {"cookie": f"{crowd.cookie}={crowd.people[0].token}"}
    standing: dict[str, str] = {}
    while True:
        for run in crowd.runs:
            if standing.get(run) not in _ENDED:
                request = urllib.request.Request(f"{crowd.address}{run}.json", headers=cookie)
                with await asyncio.to_thread(urllib.request.urlopen, request) as answer:
                    standing[run] = json.load(answer)["run"]["status"]
        if all(status in _ENDED for status in standing.values()) or time.monotonic() > until:
            return standing
        await asyncio.sleep(1)


def _table(found: Round) -> list[str]:
    times: dict[str, list[float]] = defaultdict(list)
    for one in found.asked:
        if one.wrong is None:
            times[one.what].append(one.took_ms)
    rows = [
        f"| {name} | {len(took):,} | {percentile(took, 0.5):.0f} ms | {percentile(took, 0.95):.0f} ms"
        f" | {percentile(took, 0.99):.0f} ms |"
        for name, took in sorted(times.items(), key=lambda pair: -len(pair[1]))
    ]
    took = [one.took_ms for one in found.asked if one.wrong is None]
    whole = (
        f"| **all** | {len(took):,} | {percentile(took, 0.5):.0f} ms | {percentile(took, 0.95):.0f} ms"
        f" | {percentile(took, 0.99):.0f} ms |"
    )
    return ["| what | answers | p50 | p95 | p99 |", "|---|--:|--:|--:|--:|", whole, *rows]


def _said(found: Round) -> str:
    wrong = [one for one in found.asked if one.wrong]
    text = (
        f"{len(found.asked) / found.ran_s:.0f} requests a second; {len(wrong):,} failed. Memory of the site:"
        f" {min(found.rss_mb):.0f} to {max(found.rss_mb):.0f} MB, {found.growth:+.1%} from the second quarter of the"
        f" time to the last. {len(found.runs)} runs of {CASES} cells were started,"
        f" {sum(status == 'completed' for status in found.runs.values())} ended whole."
    )
    if found.away_s is not None:
        gone, back = found.away_s
        last = max((one.ended_s for one in wrong), default=gone)
        text += (
            f" The database was away for {back - gone:.1f} s; the last failure came {max(0.0, last - back):.1f} s"
            " after it was back."
        )
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each round (120)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    text: list[str] = []
    failures: list[str] = []
    with temporary_home() as home, model_server(0.2) as models:
        fill(home)
        people = asyncio.run(make_people(home, options.users))
        env = of_model_server(models) | {"STEELYARD_MODE": "team"}
        with serving(home, env=env) as address:
            for restart in (False, True):
                crowd = Crowd(address, people, COOKIE, options.seconds, options.seed + restart)
                found = asyncio.run(_round(crowd, home, restart=restart)).judged()
                title = "While the database restarts" if restart else "Undisturbed"
                text += [f"### {title}", "", _said(found), "", *_table(found), ""]
                failures += [f"{title}: {failure}" for failure in found.failures]
    names = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    about = (
        f"{options.users} users for {options.seconds:.0f} s, each reading {READS_S[0]:.0f} to {READS_S[1]:.0f} s"
        f" between steps. {os.cpu_count()} processors ({names[0] if names else platform.machine()}), Python"
        f" {platform.python_version()}; load average {load:.1f} before; {datetime.now(UTC):%d %B %Y}."
    )
    page = "\n".join([about, "", *text]).rstrip()
    print(page)
    if (options.users, options.seconds) == (USERS, SECONDS):
        write_between(ROOT / "docs" / "users.md", "users", page)
    if failures:
        raise SystemExit("Not as promised:\n" + "\n".join(failures))


if __name__ == "__main__":
    main()
