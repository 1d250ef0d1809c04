"""Run the claims table, write it into docs/statistics.md, and exit 1 if a claim fails."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.statistics.bias import bias
from benchmarks.statistics.cheapest import cheapest
from benchmarks.statistics.claims import Claim
from benchmarks.statistics.coverage import clusters, intervals
from benchmarks.statistics.leaders import best, tied
from benchmarks.statistics.people import people
from benchmarks.statistics.races import race
from benchmarks.statistics.tables import DATA, Floats, summeval_human, wildbench

_DOC = Path(__file__).resolve().parents[2] / "docs" / "statistics.md"
_BEGIN, _END = "<!-- claims:begin -->", "<!-- claims:end -->"
_PARTS: dict[str, Callable[[dict[str, Floats]], Iterator[Claim]]] = {
    "intervals": intervals,
    "best": best,
    "tied": tied,
    "clusters": clusters,
    "cheapest": cheapest,
    "race": race,
    "people": people,
    "bias": bias,
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
    tables = {"wildbench": wildbench(), "summeval_human": summeval_human()}
    claims: list[Claim] = []
    for name, part in _PARTS.items():
        if chosen and name not in chosen:
            continue
        begun = time.perf_counter()
        for claim in part(tables):
            claims.append(claim)
            print(f"{_mark(claim):8} {claim.part}: {claim.setting}: {claim.measured} [{claim.bar}]", flush=True)
        print(f"         ({name}: {time.perf_counter() - begun:.0f} s)", flush=True)
    if not chosen:
        _write(claims)
    return 1 if any(claim.passed is False for claim in claims) else 0


def _write(claims: list[Claim]) -> None:
    text = _DOC.read_text(encoding="utf-8")
    before, rest = text.split(_BEGIN)
    _, after = rest.split(_END)
    rows = ["| part | setting | measured | bar | |", "|---|---|---|---|---|"]
    rows += [f"| {c.part} | {c.setting} | {c.measured} | {c.bar} | {_mark(c)} |" for c in claims]
    _DOC.write_text(f"{before}{_BEGIN}\n" + "\n".join(rows) + f"\n{_END}{after}", encoding="utf-8")


def _mark(claim: Claim) -> str:
    return {True: "pass", False: "**fail**", None: "reported"}[claim.passed]


if __name__ == "__main__":
    raise SystemExit(main())
