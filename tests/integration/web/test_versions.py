"""A skill's versions and the difference of any two."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

from steelyard.skills.digest import digest
from steelyard.web.pages.skill_versions import days_apart
from tests.integration.web.harness import Site
from tests.integration.web.made import content, made_skill

HERE = "/skills/weigh/versions"
FIRST = {"SKILL.md": b"Weigh it.\nSay grams.\n", "a.bin": b"\x00\x01", "big.txt": b"x" * 500_000}
SECOND = {"SKILL.md": b"Weigh it.\nSay <script>kilograms</script>.\n", "a.bin": b"\x00\x02", "new.md": b"New.\n"}
THIRD = {**SECOND, "big.txt": b"y" * 500_000, "new.md": b"Newer\x1b[31m.\n"}


async def versions(site: Site, *all_files: dict[str, bytes]) -> list[str]:
    """The skill with those versions, one after the other; the start of each digest."""
    for files in all_files:
        body = files["SKILL.md"].decode()
        made = replace(content("weigh", body), files=files, digest=digest(files))
        await made_skill(site.workbench, site.tenant_id, made, 0)
    return [digest(files)[:12] for files in all_files]


async def test_one_version_says_how_there_come_to_be_two(site: Site) -> None:
    await versions(site, FIRST)
    assert "One version so far" in (await site.client.get(HERE)).text


async def test_the_last_change_is_shown_unless_others_are_chosen(site: Site) -> None:
    _, second, third = await versions(site, FIRST, SECOND, THIRD)
    page = (await site.client.get(HERE)).text
    assert f"<code>{second[:8]}</code> to <code>{third[:8]}</code>" in page
    assert page.count('<option value="') == 6


async def test_any_two_can_be_compared_line_by_line_and_nothing_is_live(site: Site) -> None:
    first, second, _ = await versions(site, FIRST, SECOND, THIRD)
    page = (await site.client.get(f"{HERE}?from={first}&to={second}")).text
    assert "Say grams." in page
    assert "Say &lt;script&gt;kilograms" in page
    assert "<script>kilograms" not in page
    assert re.search(r'diff-removed">.*?−<span class="sr-only">removed</span>', page)
    assert re.search(r'diff-added">.*?\+<span class="sr-only">added</span>', page)


async def test_binary_and_too_large_files_are_named(site: Site) -> None:
    first, second, third = await versions(site, FIRST, SECOND, THIRD)
    page = (await site.client.get(f"{HERE}?from={first}&to={third}")).text
    assert "a.bin" in page
    assert "A binary file" in page
    assert "it is too large for that" in page
    assert "500 kB → 500 kB" in page
    assert "xxxxx" not in page
    assert "\x1b" not in (await site.client.get(f"{HERE}?from={second}&to={third}")).text


async def test_the_same_version_twice_is_no_change(site: Site) -> None:
    first, _ = await versions(site, FIRST, SECOND)
    assert "the two are the same" in (await site.client.get(f"{HERE}?from={first}&to={first}")).text


async def test_a_version_that_is_not_of_this_skill_is_not_found(site: Site) -> None:
    first, _ = await versions(site, FIRST, SECOND)
    await made_skill(site.workbench, site.tenant_id, content("other", "Other.\n"), 0)
    theirs = (await site.workbench.catalogue.find(site.tenant_id, "other")).version_digest
    for query in (f"from={theirs[:12]}&to={first}", "from=zzz", f"from={first}&to=%20"):
        assert (await site.client.get(f"{HERE}?{query}")).status_code == 404, query


async def test_a_very_long_change_is_cut_and_says_so(site: Site) -> None:
    long = {f"f{number}.md": b"line\n" * 2_000 for number in range(3)}
    first, second = await versions(site, FIRST, {**FIRST, **long})
    page = (await site.client.get(f"{HERE}?from={first}&to={second}")).text
    assert page.count('class="diff-added"') == 3_000
    assert "2,000 more lines not shown" in page


def test_versions_of_one_day_are_told_apart_by_the_minute() -> None:
    times = [datetime(2026, 3, day, hour, 5, tzinfo=UTC) for day, hour in ((2, 9), (2, 11), (1, 9))]
    assert days_apart(times) == ["2 March 2026, 09:05 UTC", "2 March 2026, 11:05 UTC", "1 March 2026"]


async def test_the_menu_of_versions_says_the_time_where_two_share_a_day(site: Site) -> None:
    await versions(site, FIRST, SECOND)
    assert len(re.findall(r"<option [^>]+>[0-9a-f]{8}, [^<]+, \d\d:\d\d UTC", (await site.client.get(HERE)).text)) == 4


async def test_an_earlier_version_is_put_in_use_again_and_the_later_one_stays(site: Site) -> None:
    first, second = await versions(site, FIRST, SECOND)
    assert (await site.client.get(HERE)).text.count("/current") == 1
    answer = await site.post(f"{HERE}/{first}/current")
    assert answer.headers["location"] == "/skills/weigh/details"
    row = await site.workbench.catalogue.find(site.tenant_id, "weigh")
    assert row.version_digest.startswith(first)
    content_now, _ = await site.workbench.skills.content(site.tenant_id, "weigh")
    assert content_now.files == FIRST
    assert [line.digest[:12] for line in await site.workbench.versions.list(site.tenant_id, row.id)] == [second, first]
    assert (await site.post(f"{HERE}/ffff/current")).status_code == 404
