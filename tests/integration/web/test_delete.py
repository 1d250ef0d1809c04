"""A skill is deleted with all that is its own, by its name typed, and never under a run."""

from datetime import timedelta

from steelyard.domain.calls import Usage
from steelyard.domain.models import ModelRef
from steelyard.domain.usage import Measurement
from tests.integration.web.harness import Site
from tests.integration.web.made import NOW, MadeModel, content, made_run, made_skill

HERE = "/skills/weigh/delete"
MODELS = [MadeModel("openai:gpt-5.4", 90.0), MadeModel("openai:gpt-5.4-mini", 60.0)]
_TABLES = """SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                AND c.relrowsecurity ORDER BY 1"""


async def rows(site: Site) -> dict[str, int]:
    """How many rows of the tenant each of its tables holds, where it holds any."""
    found: dict[str, int] = {}
    async with site.workbench.database.tenant(site.tenant_id) as connection:
        for table in await (await connection.execute(_TABLES)).fetchall():
            counted = await connection.execute(f"SELECT count(*) AS n FROM {table['name']}".encode())
            row = await counted.fetchone()
            assert row is not None
            if row["n"]:
                found[table["name"]] = row["n"]
    return found


async def full_skill(site: Site, name: str) -> None:
    bench, tenant = site.workbench, site.tenant_id
    skill_id = await made_skill(bench, tenant, content(name))
    await made_run(bench, tenant, skill_id, MODELS, at=NOW - timedelta(days=2))
    await bench.usage.record(tenant, [Measurement(skill_id, NOW, ModelRef.parse("openai:gpt-5.4"), Usage(100, 10))])
    await site.post(f"/skills/{name}/feedback", {"kind": "thumb_up", "comment": "Good."})
    await site.post(f"/skills/{name}/suggestions", {"title": "Say grams", "body": "Always."})


async def test_all_that_is_a_skills_own_goes_with_it_and_nothing_else(site: Site) -> None:
    await full_skill(site, "keep")
    alone = await rows(site)
    await full_skill(site, "weigh")
    assert set(await rows(site)) == set(alone)
    page = (await site.client.get(HERE)).text
    assert "1 version, 12 golden cases" in page
    assert "1 run with 24 answers" in page
    assert "1 measured use, 1 piece of feedback" in page
    assert (await site.post(HERE, {"name": "weigh"})).headers["location"] == "/"
    left = await rows(site)
    # Who added it, with what came of it, and who deleted it.
    assert left.pop("audit_log") == 2 * alone.pop("audit_log") + 1
    assert left == alone
    assert (await site.client.get("/skills/weigh/details")).status_code == 404
    assert (await site.client.get("/skills/keep/benchmark")).status_code == 200


async def test_without_its_name_nothing_is_deleted(site: Site) -> None:
    await full_skill(site, "weigh")
    before = await rows(site)
    for typed in ("", "weig", "Weigh"):
        refused = await site.post(HERE, {"name": typed})
        assert refused.status_code == 422
        assert "Nothing was deleted" in refused.text
    assert await rows(site) == before


async def test_a_skill_is_not_deleted_under_its_run(site: Site) -> None:
    skill_id = await made_skill(site.workbench, site.tenant_id)
    await made_run(site.workbench, site.tenant_id, skill_id, MODELS, unfinished=0.5)
    before = await rows(site)
    assert "has not ended" in (await site.client.get(HERE)).text
    refused = await site.post(HERE, {"name": "weigh"})
    assert refused.status_code == 409
    assert "Cancel it" in refused.text
    assert await rows(site) == before
