"""The same work by Steelyard and by other tools: `python -m benchmarks.peers [--only NAME]`; writes docs/peers.md."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from benchmarks.peers.tools import TOOLS
from benchmarks.peers.work import CALLS, CASES, LATENCY_S, LIMIT_S, NotMeasured, Spent, Tool, run
from benchmarks.throughput.__main__ import CONCURRENCY, MODELS, measure
from benchmarks.workload import ROOT, write_between
from steelyard.storage.embedded import remove

_PAGE = ROOT / "docs" / "peers.md"
_STEELYARD = "Steelyard"
_REASON_CHARS = 300


@dataclass
class Row:
    """A line of the table: the runs of one tool, or why there are none. `once(cases)` does the work."""

    name: str
    version: str
    once: Callable[[int], Spent] | None = None
    reason: str = ""
    runs: list[Spent] = field(default_factory=list[Spent])

    def go(self, cases: int, *, keep: bool) -> None:
        """Do the work once; a tool that fails once is not tried again."""
        if self.once is None or self.reason:
            return
        try:
            spent = self.once(cases)
        except NotMeasured as problem:
            self.reason = str(problem)
        else:
            self.runs += [spent] if keep else []

    def text(self) -> str:
        if self.reason:
            reason = " ".join(self.reason.replace(str(ROOT), ".").split())[:_REASON_CHARS].replace("|", "/")
            return f"| {self.name} | {self.version} | not measured: {reason} | | | | |"
        run = sorted(self.runs, key=lambda one: one.wall_s)[len(self.runs) // 2]
        return (
            f"| {self.name} | {self.version} | {run.wall_s:.1f} s ({run.wall_s / LIMIT_S:.1f} x) | {run.cpu_s:.1f} s"
            f" | {run.peak_mib:.0f} MiB | {run.span_s:.1f} s ({run.span_s / LIMIT_S:.1f} x) | {run.in_flight:.1f} |"
        )


def steelyard_once(home: Path) -> Callable[[int], Spent]:
    """`steelyard run`, measured as docs/throughput.md is; its CPU includes the embedded PostgreSQL's."""

    def once(cases: int) -> Spent:
        try:
            seen = measure(home, cases, LATENCY_S)
        except SystemExit as problem:
            raise NotMeasured(str(problem)) from problem
        wanted = cases * len(MODELS)
        if (seen.answered, seen.judged) != (wanted, wanted):
            raise NotMeasured(f"answered {seen.answered} and judged {seen.judged} of {wanted}")
        if seen.max_in_flight > CONCURRENCY:
            raise NotMeasured(f"had {seen.max_in_flight} calls in flight, above the {CONCURRENCY} allowed")
        return Spent(
            wall_s=seen.wall_s,
            cpu_s=seen.cpu_s + seen.database_cpu_s,
            peak_mib=seen.peak_mib,
            span_s=seen.span_s,
            at_once=seen.max_in_flight,
        )

    return once


def once_of(tool: Tool) -> Callable[[int], Spent]:
    return lambda cases: run(tool, cases)


def rows_of(names: list[str], home: Path) -> list[Row]:
    """A row for each tool, installed if need be; one that could not be installed says why."""
    rows: list[Row] = []
    for name in names:
        if name == _STEELYARD:
            rows.append(Row(name, version("steelyard"), steelyard_once(home)))
            continue
        try:
            rows += [Row(tool.name, tool.version, once_of(tool)) for tool in TOOLS[name]()]
        except NotMeasured as problem:
            rows.append(Row(name, "", reason=str(problem)))
    return rows


def table(rows: list[Row]) -> str:
    lines = [
        "| tool | version | wall | CPU | peak memory | span of the calls | calls in flight |",
        "|---|---|---|---|---|---|---|",
        *(row.text() for row in rows),
        "",
        f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}; the model server shares the "
        f"cores. Median by wall time of {max(len(row.runs) for row in rows)} runs each, taken in turns after one small "
        "run that is not counted.",
    ]
    return "\n".join(lines)


def main() -> None:
    names = [*TOOLS, _STEELYARD]
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", action="append", choices=names, help="measure only this one; writes no page")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="steelyard-peers-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        try:
            rows = rows_of([name for name in names if name in (options.only or names)], home)
            for row in rows:
                row.go(1, keep=False)
            for _ in range(options.runs):
                for row in rows:
                    row.go(CASES, keep=True)
                    print(row.name, row.reason or row.runs[-1], flush=True)
        finally:
            remove(home)
    text = table(rows)
    print(f"{CALLS} calls, limit {LIMIT_S:.1f} s\n\n{text}")
    if options.only is None:
        write_between(_PAGE, "peers", text)


if __name__ == "__main__":
    main()
