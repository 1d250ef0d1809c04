"""Wall time, CPU and memory of whole runs: `python -m benchmarks.throughput [--quick]`; writes docs/throughput.md."""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
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


@dataclass(frozen=True)
class Measured:
    """One run of the command. Seconds, and MiB of the process at its largest."""

    cells: int
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
    def limit_s(self) -> float:
        """A call and a judgement for each cell, `CONCURRENCY` at once, nothing else."""
        return math.ceil(2 * self.cells / CONCURRENCY) * self.latency_s


def measure(home: Path, cases: int, latency_s: float) -> Measured:
    """Run `steelyard run` on a new skill of that many cases, as a process of its own."""
    with tempfile.TemporaryDirectory() as folder, model_server(latency_s) as address:
        skill = write_skill(Path(folder) / f"weigh-{time.time_ns()}", cases)
        report = Path(folder) / "run.json"
        command = [sys.executable, "-m", "steelyard.cli.main", "run", str(skill), "--quiet"]
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
        f"{row.latency_s * 1000:.0f} ms",
        f"{row.limit_s:.1f} s",
        f"{row.span_s:.2f} s ({row.span_s / row.limit_s:.2f} x)",
        f"{row.wall_s:.2f} s ({row.wall_s / row.limit_s:.2f} x)",
        f"{row.cpu_s / row.cells * 1000:.1f} ms",
        f"{row.database_cpu_s / row.cells * 1000:.1f} ms",
        f"{row.peak_mib:.0f} MiB",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="one run of 300 cells at 200 ms")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="steelyard-throughput-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        try:
            small = measure(home, 1, 0.0)
            if options.quick:
                print(table([measure(home, 100, 0.2)], small.cpu_s))
                return
            rows = [
                median_of([measure(home, cases, latency_s) for _ in range(runs)])
                for cases, latency_s, runs in ((100, 0.2, options.runs), (100, 2.0, 1), (1000, 0.2, 1))
            ]
        finally:
            remove(home)
    text = table(rows, small.cpu_s)
    print(text)
    write_between(ROOT / "docs" / "throughput.md", "throughput", text)
    missing = [row for row in rows if row.answered < row.cells or row.judged < row.cells]
    slow = [row for row in rows if row.latency_s >= 2 and row.wall_s > 1.1 * row.limit_s]
    growth = statistics.mean([rows[2].peak_mib]) / statistics.mean([rows[0].peak_mib])
    if missing or slow or growth > 1.25:
        raise SystemExit(f"Not as promised: missing {missing}, slow {slow}, memory grew {growth:.2f} x.")


if __name__ == "__main__":
    main()
