"""The judge: `planted` biases by scripted judges, or a live judge on `pairs` with a known better output.

Both write their table into docs/trust.md with --write; `planted` exits with 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.judge.live import judge_pairs
from benchmarks.judge.pairs import FOLDER
from benchmarks.judge.planted import DRIFT, RUNS, drift, injection, length, model_by_model, own_family, side_by_side
from benchmarks.judge.proof import prove
from benchmarks.judge.world import CASES, Worlds
from benchmarks.statistics.claims import percent
from benchmarks.statistics.tables import DATA
from benchmarks.workload import ROOT, write_between
from steelyard.domain.errors import SteelyardError
from steelyard.domain.models import ModelRef
from steelyard.judging.judge import JUDGE_MAX_TOKENS

_DOC = ROOT / "docs" / "trust.md"


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.judge", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the table into docs/trust.md as well")
    kinds = parser.add_subparsers(dest="kind", required=True)
    kinds.add_parser("planted", help=f"{RUNS} runs of {CASES} cases for each bias, and whole runs over HTTP")
    pairs = kinds.add_parser("pairs", help="a live judge on LLMBar")
    pairs.add_argument("--judge", required=True, type=ModelRef.parse, help="provider:model")
    pairs.add_argument("--limit", type=int, help="so many of the 419 pairs")
    pairs.add_argument("--budget", type=float, help="start no call after so many US dollars")
    pairs.add_argument("--max-tokens", type=int, default=JUDGE_MAX_TOKENS, help="of a reply")
    pairs.add_argument("--file", type=Path, help="where the grades are kept (default: build/judge/MODEL.jsonl)")
    given = parser.parse_args()
    if not DATA.is_dir() or (given.kind == "pairs" and not FOLDER.is_dir()):
        print(
            f"The data are not at {DATA if given.kind == 'planted' else FOLDER}; nothing was measured.", file=sys.stderr
        )
        return 2
    if given.kind == "planted":
        return _planted(write=given.write)
    path = given.file or ROOT / "build" / "judge" / f"{re.sub(r'[^a-z0-9.]+', '-', given.judge.text.lower())}.jsonl"
    try:
        lines = asyncio.run(judge_pairs(given.judge, given.limit, given.budget, given.max_tokens, path))
    except SteelyardError as error:
        print(error, file=sys.stderr)
        return 2
    _tell(lines, "pairs", write=given.write)
    print(f"The grades are kept in {path}; the same command goes on from there.")
    return 0


def _planted(*, write: bool) -> int:
    begun = time.perf_counter()
    worlds = Worlds()
    proven = asyncio.run(prove(worlds))
    for line in proven.lines:
        print(line, flush=True)
    rows = [*own_family(worlds), length(worlds), injection(shared_noise=False), injection(shared_noise=True)]
    orders = {
        "side by side, as Steelyard asks": side_by_side,
        "model after model": model_by_model,
    }
    minutes = (time.perf_counter() - begun) / 60
    lines = [
        f"Measured on {datetime.now(UTC):%Y-%m-%d} in {minutes:.0f} minutes: {RUNS} runs of {CASES} cases a row.",
        "",
        "| planted | found | named | none planted: found | bar | |",
        "|---|---|---|---|---|---|",
        *(row.line for row in rows),
        "",
        f"A judge that grows lenient by {DRIFT:g} points over a run of six equal models:",
        "",
        "| order of the judgements | means come apart by, points | one is called best |",
        "|---|---|---|",
        *(f"| {row.order} | {row.apart:.1f} | {percent(row.best)} |" for row in drift(worlds, orders)),
        "",
        *proven.lines,
    ]
    _tell(lines, "planted", write=write)
    return 1 if not proven.equal or any(row.passed is False for row in rows) else 0


def _tell(lines: Sequence[str], marker: str, *, write: bool) -> None:
    print("\n".join(lines))
    if write:
        write_between(_DOC, marker, "\n".join(lines))


if __name__ == "__main__":
    raise SystemExit(main())
