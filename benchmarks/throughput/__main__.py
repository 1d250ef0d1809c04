"""Wall time, CPU and memory of whole runs: `python -m benchmarks.throughput [--quick]`; writes docs/throughput.md.

It exits with 1 when a bar is missed: at 2 s a call the span of the calls takes at most 1.1 x the limit, and so does the
whole process where the run is long enough for its start not to count (3,000 cells); memory does not grow with the run.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.workload import ROOT, model_server, postmaster_cpu_s, settle, stats, write_between, write_skill
from steelyard.storage.embedded import remove

CONCURRENCY = 50
MODELS = ("model-a", "model-b", "model-c")
PROGRAM = ("steelyard.cli.main",)
BAR = 1.1
MEMORY_BAR = 1.25
# Cases, seconds the server takes, and how often each is measured; the median by wall time stands in the table.
WORK = ((100, 0.2, 3), (1000, 0.2, 1), (100, 2.0, 1), (1000, 2.0, 1))


@dataclass(frozen=True)
class Measured:
    """One run of the command. Seconds, and MiB of the process at its largest."""

    cells: int
    calls: int
    latency_s: float
    span_s: float
    wall_s: float
    cpu_s: float
    database_cpu_s: float
    peak_mib: float
    max_in_flight: int
    answered: int
    judged: int

    @property
    def lost(self) -> bool:
        return min(self.answered, self.judged) < self.cells

    @property
    def limit_s(self) -> float:
        """The calls the server answered, `CONCURRENCY` at once, and nothing else."""
        return math.ceil(self.calls / CONCURRENCY) * self.latency_s


def measure(home: Path, cases: int, latency_s: float, program: tuple[str, ...] = PROGRAM) -> Measured:
    """Run `steelyard run` on a new skill of that many cases, as a process of its own."""
    with tempfile.TemporaryDirectory() as folder, model_server(latency_s) as address:
        skill = write_skill(Path(folder) / f"weigh-{time.time_ns()}", cases)
        report = Path(folder) / "run.json"
        command = [sys.executable, "-m", *program, "run", str(skill), "--quiet"]
        command += ["--arm", "with_skill"]
        for model in MODELS:
            command += ["--model", f"openai:{model}"]
        command += ["--judge", "openai:judge", "--concurrency", str(CONCURRENCY), "--json", str(report)]
        env = os.environ | {
            "STEELYARD_HOME": str(home),
            "OPENAI_BASE_URL": f"{address}/v1",
            "OPENAI_API_KEY": "benchmark",
        }
        before = postmaster_cpu_s(home)
        began = time.monotonic()
        process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise SystemExit(f"steelyard run ended with {process.returncode}")
        settle()
        seen = stats(address)
        run = json.loads(report.read_text())["run"]
        return Measured(
            cells=run["planned"],
            calls=seen["served"],
            latency_s=latency_s,
            span_s=seen["span_s"],
            wall_s=wall_s,
            cpu_s=usage.ru_utime + usage.ru_stime,
            database_cpu_s=postmaster_cpu_s(home) - before,
            peak_mib=usage.ru_maxrss / 1024,
            max_in_flight=seen["max_in_flight"],
            answered=run["answered"],
            judged=run["judged"],
        )


def median_of(runs: list[Measured]) -> Measured:
    """The run with the median wall time."""
    return sorted(runs, key=lambda run: run.wall_s)[len(runs) // 2]


COLUMNS = (
    "cells",
    "calls",
    "server latency",
    "limit",
    "span of the calls",
    "whole process",
    "CPU a cell",
    "PostgreSQL CPU a cell",
    "peak memory",
)


def table(rows: list[Measured], startup_s: float) -> str:
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|", *map(table_row, rows), ""]
    lines.append(f"Of the CPU, {startup_s:.1f} s are the command's start: imports, database, plan.")
    return "\n".join(lines)


def table_row(row: Measured) -> str:
    """One line of the table."""
    cells = (
        f"{row.cells:,}",
        f"{row.calls:,}",
        f"{row.latency_s * 1000:.0f} ms",
        f"{row.limit_s:.1f} s",
        f"{row.span_s:.2f} s ({row.span_s / row.limit_s:.2f} x)",
        f"{row.wall_s:.2f} s ({row.wall_s / row.limit_s:.2f} x)",
        f"{row.cpu_s / row.cells * 1000:.1f} ms",
        f"{row.database_cpu_s / row.cells * 1000:.1f} ms",
        f"{row.peak_mib:.0f} MiB",
    )
    return f"| {' | '.join(cells)} |"


def cpu_table(home: Path) -> str:
    """Where the CPU of the 300-cell run goes, by part."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "shares"
        seen = measure(home, 100, 0.2, ("benchmarks.throughput.profile", str(out)))
        shares = [line.split("\t") for line in out.read_text(encoding="utf-8").splitlines()]
    lines = ["| part | share of the CPU | of it a cell |", "|---|---|---|"]
    lines += [
        f"| {part} | {float(share):.0%} | {float(share) * seen.cpu_s / seen.cells * 1000:.1f} ms |"
        for share, part in shares
        if float(share) >= 0.01
    ]
    return "\n".join(lines)


def missed(rows: list[Measured]) -> list[str]:
    """A sentence for each bar that is missed."""
    said = [f"{row.cells} cells: {row.answered} answered, {row.judged} judged" for row in rows if row.lost]
    for row in rows:
        if row.latency_s < 2:
            continue
        if row.span_s > BAR * row.limit_s:
            said.append(f"{row.cells} cells at 2 s: the calls took {row.span_s / row.limit_s:.2f} x the limit")
        if row.cells >= 3000 and row.wall_s > BAR * row.limit_s:
            said.append(f"{row.cells} cells at 2 s: the process took {row.wall_s / row.limit_s:.2f} x the limit")
    small, large = (max(row.peak_mib for row in rows if row.cells == cells) for cells in (300, 3000))
    if large > MEMORY_BAR * small:
        said.append(f"memory grew from {small:.0f} to {large:.0f} MiB")
    return said


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="one run of 300 cells at 200 ms; writes no page")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="steelyard-throughput-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        try:
            # The first start of all makes the database, which is no part of any other.
            measure(home, 1, 0.0)
            small = measure(home, 1, 0.0)
            if options.quick:
                print(table([measure(home, 100, 0.2)], small.cpu_s))
                return
            rows = [
                median_of([measure(home, cases, latency_s) for _ in range(runs)]) for cases, latency_s, runs in WORK
            ]
            parts = cpu_table(home)
        finally:
            remove(home)
    text = table(rows, small.cpu_s)
    print(f"{text}\n\n{parts}")
    page = ROOT / "docs" / "throughput.md"
    write_between(page, "throughput", text)
    write_between(page, "cpu", parts)
    said = missed(rows)
    if said:
        raise SystemExit(f"Not as promised: {'; '.join(said)}.")


if __name__ == "__main__":
    main()
