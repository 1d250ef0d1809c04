"""Fill the local tenant of STEELYARD_HOME: `python -m benchmarks.pages.generate --small`, or at scale without it."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time

import psycopg

from benchmarks.pages.scale import Scale, large_tenant
from benchmarks.pages.small import small_tenant
from steelyard.bootstrap import home_of, open_workbench
from steelyard.storage.server import embedded_server, external_server


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="thirty skills, one with a year of use")
    parser.add_argument("--seed", type=int, default=1)
    for name, default in (("skills", 10_000), ("runs", 1_000), ("results", 100_000), ("measurements", 10_000_000)):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{default:,} unless given")
    chosen = parser.parse_args()
    scale = Scale(chosen.skills, chosen.runs, chosen.results, chosen.measurements, chosen.seed)
    return asyncio.run(fill(chosen.small, chosen.seed, scale))


async def fill(small: bool, seed: int, scale: Scale) -> int:
    """Raises SteelyardError."""
    began = time.monotonic()
    async with open_workbench() as workbench:
        known = await workbench.catalogue.page(workbench.tenant_id, limit=1)
        if known.total:
            print(f"{workbench.home} has {known.total:,} skills already; choose an empty STEELYARD_HOME.")
            return 2
        if small:
            await small_tenant(workbench.database, workbench.tenant_id, seed=seed)
        else:
            await large_tenant(workbench.database, workbench.tenant_id, scale, say=print)
    _vacuum(dict(os.environ))
    print(f"Filled in {time.monotonic() - began:.0f} s.")
    return 0


def _vacuum(env: dict[str, str]) -> None:
    """What the server would do by itself in a while: statistics for its plans, and pages known to be all visible."""
    server = external_server(env) or embedded_server(home_of(env))
    with psycopg.connect(server.admin_dsn, autocommit=True) as admin:
        admin.execute("VACUUM (ANALYZE)")


if __name__ == "__main__":
    sys.exit(main())
