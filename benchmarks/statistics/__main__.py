"""Run the claims table, write it into docs/trust.md, and exit 1 if a claim fails.

Every part has its own fixed stream of draws, so that parts run beside each other and give the same figures alone.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime

from benchmarks.statistics.bias import bias
from benchmarks.statistics.cheapest import cheapest
from benchmarks.statistics.claims import Claim
from benchmarks.statistics.coverage import clusters, intervals, simultaneous
from benchmarks.statistics.leaders import best, tied
from benchmarks.statistics.people import people
from benchmarks.statistics.races import race, race_table
from benchmarks.statistics.tables import DATA, Floats, summeval_human, wildbench
from benchmarks.statistics.ties import ties
from benchmarks.workload import ROOT, write_between

_DOC = ROOT / "docs" / "trust.md"
_WORKERS = 2
_PARTS: dict[str, Callable[[dict[str, Floats]], Iterator[Claim]]] = {
    "intervals": intervals,
    "simultaneous": simultaneous,
    "best": best,
    "tied": tied,
    "clusters": clusters,
    "cheapest": cheapest,
    "race": race,
    "people": people,
    "bias": bias,
    "ties": ties,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.statistics", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(_PARTS)}; all, and the doc is written, without")
    chosen = parser.parse_args().parts
    if unknown := set(chosen) - set(_PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(_PARTS)}")
    if not DATA.is_dir():
        print(f"The score tables are not at {DATA}; nothing was measured.", file=sys.stderr)
        return 2
    begun = time.perf_counter()
    claims: list[Claim] = []
    # The longest first: what is left at the end then hardly waits for one of them.
    names = [name for name in ("race", "bias", *_PARTS) if not chosen or name in chosen]
    with ProcessPoolExecutor(_WORKERS) as pool:
        running = {name: pool.submit(_measured, name) for name in dict.fromkeys(names)}
        for name in (name for name in _PARTS if name in running):
            found, seconds = running[name].result()
            claims += found
            for claim in found:
                print(f"{_mark(claim):8} {claim.part}: {claim.setting}: {claim.measured} [{claim.bar}]")
            print(f"         ({name}: {seconds:.0f} s)", flush=True)
    if not chosen:
        _write(claims, time.perf_counter() - begun)
    return 1 if any(claim.passed is False for claim in claims) else 0


def _measured(name: str) -> tuple[list[Claim], float]:
    """The rows of a part, and the seconds they took."""
    begun = time.perf_counter()
    tables = {"wildbench": wildbench(), "summeval_human": summeval_human()}
    return list(_PARTS[name](tables)), time.perf_counter() - begun


def _write(claims: Sequence[Claim], seconds: float) -> None:
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    took = f"{used / 60:.0f} minutes of processor time, {seconds / 60:.0f} by the clock"
    when = f"Measured on {datetime.now(UTC):%Y-%m-%d} on {os.cpu_count()} cores: {took}."
    rows = [when, "", "| part | setting | measured | bar | draws (SE) | |", "|---|---|---|---|---|---|"]
    rows += [
        f"| {c.part} | {c.setting} | {c.measured} | {c.bar} | {c.draws:,} ({100 * c.standard_error:.1f}) | {_mark(c)} |"
        for c in claims
    ]
    write_between(_DOC, "claims", "\n".join(rows))
    write_between(_DOC, "races", "\n".join(race_table(claims)))


def _mark(claim: Claim) -> str:
    return {True: "pass", False: "**fail**", None: "reported"}[claim.passed]


if __name__ == "__main__":
    raise SystemExit(main())
