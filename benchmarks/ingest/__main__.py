"""Uses and spans a second over HTTP: `python -m benchmarks.ingest`; writes docs/ingest.md.

The server, its embedded database and the clients, which send an API key, share this machine, with two of its
processors. It exits with 1 when fewer than 5,000 uses or 1,500 spans a second are taken in, or when the daily sums are
not those of the uses afterwards.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.ingest.load import Sent, answers, send, span_batches, use_batches
from benchmarks.pages.timing import percentile
from benchmarks.site import add_skill, clean_environment, serving, temporary_home
from benchmarks.workload import ROOT, children_cpu_s, database_cpu_s, write_between, write_skill

USES_BAR, SPANS_BAR = 5_000, 1_500
PROCESSORS = 2
CLIENTS = 4
SIZE = 500
SKILLS = 50
USES, SPANS = "/v1/measurements", "/v1/traces"


@contextmanager
def _home(given: Path | None) -> Generator[Path]:
    if given is not None:
        yield given
        return
    with temporary_home() as home:
        yield home


def _skills(address: str, folder: Path) -> list[str]:
    names = [f"bench-{number:02}" for number in range(SKILLS)]
    for name in names:
        add_skill(address, write_skill(folder / name, 1))
    return names


def _new_key(home: Path) -> str:
    """A key of the home's tenant, made by the command itself."""
    command = [sys.executable, "-m", "steelyard.cli.main", "keys", "add", "bench-ingest"]
    options = ["--scope", "ingest", "--rate", "1000000", "--expires", "1d"]
    done = subprocess.run(command + options, env=clean_environment(home), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout.strip()


def _verified(home: Path) -> tuple[int, int]:
    """(uses that are kept, daily sums that differ from them), by the command itself."""
    command = [sys.executable, "-m", "steelyard.cli.main", "rollup", "verify", "--json", "-"]
    done = subprocess.run(command, env=clean_environment(home), capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) or not done.stdout:
        raise SystemExit(done.stderr)
    found = json.loads(done.stdout)
    return found["uses"], len(found["differences"])


def _row(name: str, sent: Sent, site_s: float, database_s: float, bar: int) -> str:
    times = [percentile(sent.took_ms, share) for share in (0.5, 0.99)]
    missed = " **missed**" if sent.per_second < bar else ""
    return (
        f"| {name}{missed} | {sent.items:,} | {sent.per_second:,.0f} | {bar:,} | {times[0]:.0f} ms | {times[1]:.0f} ms"
        f" | {site_s / sent.items * 1e6:.0f} µs | {database_s / sent.items * 1e6:.0f} µs |"
    )


def _about(batches: int, load: float) -> str:
    names = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text()) if sys.platform == "linux" else []
    machine = names[0] if names else platform.processor() or platform.machine()
    return (
        f"{CLIENTS} clients, {batches:,} batches of {SIZE}, {SKILLS} skills, with an API key. {PROCESSORS} processors"
        f" ({machine}), Python {platform.python_version()};"
        f" load average {load:.1f} before; {datetime.now(UTC):%d %B %Y}."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, default=400, help="of 500 items each (400)")
    parser.add_argument("--home", type=Path, help="a STEELYARD_HOME that is filled already, as by benchmarks.pages")
    parser.add_argument("--quick", action="store_true", help="40 batches; writes no page")
    parser.add_argument("--key", default=os.environ.get("STEELYARD_KEY"), help="of that home; one is made if left out")
    options = parser.parse_args()
    if sys.platform == "linux":
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:PROCESSORS]))
    load = os.getloadavg()[0]
    batches = 40 if options.quick else options.batches
    seed = int(datetime.now(UTC).timestamp())
    rows: list[str] = [
        "| what | items | a second | at least | p50 | p99 | CPU of the site an item | of PostgreSQL |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    said: list[str] = []
    with _home(options.home) as home:
        with serving(home, "--no-worker") as address:
            skills = _skills(address, home / "bench")
            key = options.key or _new_key(home)
            work: list[tuple[str, str, Sequence[bytes], int]] = [
                ("uses", USES, use_batches(skills, batches, SIZE, seed), USES_BAR)
            ]
            if answers(address, SPANS):
                work.append(("OTLP spans", SPANS, span_batches(skills, batches, SIZE, seed), SPANS_BAR))
            for name, path, bodies, bar in work:
                # The first of a kind imports what it needs, and makes the months.
                send(address, path, bodies[:2], SIZE, 1, key)
                before = children_cpu_s(os.getpid()), database_cpu_s(home)
                sent = send(address, path, bodies[2:], SIZE, CLIENTS, key)
                site_s, database_s = children_cpu_s(os.getpid()) - before[0], database_cpu_s(home) - before[1]
                rows.append(_row(name, sent, site_s, database_s, bar))
                if sent.per_second < bar:
                    said.append(f"{sent.per_second:,.0f} {name} a second")
        uses, wrong = _verified(home)
    exact = f"Afterwards `steelyard rollup verify` found the daily sums of {uses:,} uses exact."
    if wrong:
        exact = f"Afterwards {wrong:,} daily sums were not those of the uses."
        said.append(exact)
    text = "\n".join([_about(batches, load), "", *rows, "", exact])
    print(text)
    if not options.quick and options.home is None:
        write_between(ROOT / "docs" / "ingest.md", "ingest", text)
    if said:
        raise SystemExit("Not as promised:\n" + "\n".join(said))


if __name__ == "__main__":
    main()
