"""Files that a spreadsheet opens: no cell is run, whoever named what it says."""

from __future__ import annotations

import csv
import io

from steelyard.domain.actors import Actor, ActorKind, acting_as
from steelyard.domain.cases import GoldenCase
from steelyard.storage import ratings
from tests.attacks.place import GETS, NOWHERE, address
from tests.integration.web.harness import Site
from tests.integration.web.made import MadeModel, content, made_run, made_skill

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
FORMULAS = [f"{start}HYPERLINK(1,{place})" for place, start in enumerate(STARTS)]


def runs(cell: str) -> bool:
    """Whether a spreadsheet would take it for a formula: anything that starts so and is no number."""
    if not cell.startswith(STARTS):
        return False
    try:
        float(cell)
    except ValueError:
        return True
    return cell.startswith(("\t", "\r", "\n"))


async def test_no_download_has_a_cell_that_a_spreadsheet_would_run(site: Site) -> None:
    bench, tenant = site.workbench, site.tenant_id
    golden = [GoldenCase(formula, f"{formula} in", f"{formula} out") for formula in FORMULAS]
    with acting_as(Actor(ActorKind.MEMBER, FORMULAS[0])):
        skill = await made_skill(bench, tenant, content("weigh", "=1+1\n", "=1+1"), golden)
        run = await made_run(bench, tenant, skill, [MadeModel("=a:=b", 90), MadeModel("+a:@b", 50)])
    async with bench.database.tenant(tenant) as connection:
        found = await connection.execute("SELECT id FROM benchmark_results WHERE benchmark_run_id = %s LIMIT 1", (run,))
        row = await found.fetchone()
        assert row is not None
        for formula in FORMULAS:
            await ratings.put_rating(
                connection, tenant, run, row["id"], formula, score=2, note=formula, drawn=False, blind=False
            )
    for at, formula in enumerate(FORMULAS):
        with acting_as(Actor(ActorKind.MEMBER, formula)):
            await bench.suggestions.add(tenant, skill, title=formula if at else "=")
    parts = {"run_id": str(run), "skill": "weigh", "form": "csv"}
    files = [path for path in GETS if path.endswith((".csv", ".{form}"))]
    assert len(files) >= 6
    disarmed: dict[str, int] = {}
    for path in files:
        answer = await site.client.get(address(path, parts))
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert NOWHERE not in str(answer.url)
        table = list(csv.reader(io.StringIO(answer.text, newline="")))
        assert not [cell for line in table for cell in line if runs(cell)], path
        disarmed[path] = len({cell for line in table for cell in line if cell.startswith("'") and runs(cell[1:])})
    assert disarmed["/runs/{run_id}/cells.csv"] >= len(FORMULAS)
    assert disarmed["/runs/{run_id}/ratings.csv"] >= len(FORMULAS)
    assert disarmed["/audit.csv"] >= 1
