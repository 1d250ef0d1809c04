"""The Details tab and a version's files: all of it another's text, shown and never live."""

from __future__ import annotations

import re
from dataclasses import replace
from uuid import UUID, uuid4

from steelyard.domain.feedback import Feedback, FeedbackType
from steelyard.domain.skills import LintFinding, SkillContent
from steelyard.skills.digest import digest
from tests.integration.web.harness import Site
from tests.integration.web.made import content, made_skill

HERE = "/skills/weigh/details"
BODY = "# Weighing\n\nRead the <b>scale</b>.\n\n<script>alert(1)</script>\n"
FILES = {
    "SKILL.md": f"---\nname: weigh\n---\n{BODY}".encode(),
    "references/units.md": b"1 kg = 1000 g <script>alert(2)</script>\x1b[31m",
    "assets/scale.png": b"\x89PNG\x00\x01",
    "references/ünits & more.txt": b"grams",
}


def skill_content(**changes: object) -> SkillContent:
    made = replace(
        content("weigh", BODY),
        files=FILES,
        digest=digest(FILES),
        frontmatter={"name": "weigh", "metadata": {"author": "<i>Ann</i>"}, "allowed-tools": ["Read", "Bash"]},
        lint=(LintFinding("warning", "body-lines", "The body is long.", "SKILL.md", 5),),
    )
    return replace(made, **changes)  # pyright: ignore[reportArgumentType]


async def skill(site: Site, **changes: object) -> UUID:
    return await made_skill(site.workbench, site.tenant_id, skill_content(**changes))


def file_url(path: str, version: str = "") -> str:
    return f"/skills/weigh/versions/{version or digest(FILES)[:12]}/file?path={path}"


async def test_the_text_is_rendered_and_nothing_in_it_is_live(site: Site) -> None:
    await skill(site)
    page = (await site.client.get(HERE)).text
    assert "Weighing</h3>" in page
    assert "<script>alert" not in page
    assert "<b>scale</b>" not in page


async def test_the_raw_view_shows_the_file_with_its_frontmatter(site: Site) -> None:
    await skill(site)
    page = (await site.client.get(f"{HERE}?view=raw")).text
    assert "name: weigh\n---" in page
    assert "&lt;script&gt;alert(1)" in page


async def test_facts_files_and_lint_are_told_with_what_to_do(site: Site) -> None:
    await skill(site)
    page = (await site.client.get(HERE)).text
    assert "metadata.author" in page
    assert "&lt;i&gt;Ann" in page
    assert "Read, Bash" in page
    assert "assets/scale.png" in page
    assert "6 B" in page
    assert "The body is long." in page
    assert "Move what is needed only sometimes" in page


async def test_a_file_is_shown_as_text(site: Site) -> None:
    await skill(site)
    page = (await site.client.get(file_url("references/units.md"))).text
    assert "&lt;script&gt;alert(2)" in page
    assert "\x1b" not in page


async def test_a_binary_file_is_named_and_not_shown(site: Site) -> None:
    await skill(site)
    page = (await site.client.get(file_url("assets/scale.png"))).text
    assert "This is not text" in page
    assert "PNG" not in page.replace("scale.png", "")


async def test_a_download_is_the_bytes_and_no_browser_shows_it(site: Site) -> None:
    await skill(site)
    answer = await site.client.get(file_url("assets/scale.png") + "&download=1")
    assert answer.content == FILES["assets/scale.png"]
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"] == "application/octet-stream"


async def test_a_files_name_cannot_break_the_headers(site: Site) -> None:
    await skill(site)
    path = "references/%C3%BCnits%20%26%20more.txt"
    answer = await site.client.get(file_url(path) + "&download=1")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''%C3%BCnits%20%26%20more.txt"


async def test_what_is_not_there_is_not_found(site: Site) -> None:
    await skill(site)
    for url in (
        file_url("../../etc/passwd"),
        file_url("SKILL.md", "ffffffffffff"),
        f"/skills/{uuid4()}/details",
        f"{HERE}?version=zzz",
    ):
        assert (await site.client.get(url)).status_code == 404, url


async def test_another_skills_version_is_not_found_here(site: Site) -> None:
    await skill(site)
    await made_skill(site.workbench, site.tenant_id, content("other", "Other.\n"))
    theirs = await site.workbench.catalogue.find(site.tenant_id, "other")
    assert (await site.client.get(file_url("SKILL.md", theirs.version_digest[:12]))).status_code == 404
    assert (await site.client.get(file_url("SKILL.md", str(theirs.version_id)))).status_code == 404


async def test_an_earlier_version_can_be_looked_at(site: Site) -> None:
    await skill(site)
    files = {"SKILL.md": b"Newer.\n"}
    await skill(site, body="Newer.\n", prompt="Newer.\n", files=files, digest=digest(files))
    assert "Newer." in (await site.client.get(HERE)).text
    page = (await site.client.get(f"{HERE}?version={digest(FILES)[:12]}")).text
    assert "an earlier one" in page
    assert "Weighing</h3>" in page


async def test_a_skill_without_text_says_what_that_means(site: Site) -> None:
    files: dict[str, bytes] = {}
    await skill(site, body="", prompt="", files=files, digest=digest(files), frontmatter={}, lint=())
    page = (await site.client.get(HERE)).text
    assert "a model would get no instructions" in page
    assert "It has no frontmatter" in page
    assert (await site.client.get(f"{HERE}?view=raw")).status_code == 200


async def test_feedback_is_listed_with_its_comment_and_counted_in_words(site: Site) -> None:
    skill_id = await skill(site)
    add = site.workbench.feedback.add
    assert "None yet" in (await site.client.get(HERE)).text
    bad = "<script>alert(3)</script>\u202eWrong unit."
    await add(site.tenant_id, skill_id, Feedback(FeedbackType.THUMB_DOWN, comment=bad, author="<b>Bo</b>"))
    await add(site.tenant_id, skill_id, Feedback(FeedbackType.THUMB_UP))
    await add(site.tenant_id, skill_id, Feedback(FeedbackType.RATING, 6, comment="So so."))
    example = Feedback(FeedbackType.TRAINING_EXAMPLE, example_input="2 lb", expected_output="907 g")
    await add(site.tenant_id, skill_id, example)
    for url in (HERE, "/skills/weigh/feedback"):
        page = (await site.client.get(url)).text
        assert "4 pieces: 3 rated, 33% positive; 1 training example" in page
        for said in ("Thumb down", "Thumb up", "Rated 6 of 10", "Training example", "Wrong unit.", "So so.", "907 g"):
            assert said in page, said
        assert "<script>alert(3)" not in page
        assert "<b>Bo" not in page
        assert "\u202e" not in page


async def test_all_feedback_comes_a_page_at_a_time(site: Site) -> None:
    skill_id = await skill(site)
    url = "/skills/weigh/feedback"
    assert "No feedback yet" in (await site.client.get(url)).text
    for number in range(53):
        given = Feedback(FeedbackType.THUMB_UP, comment=f"said-{number};")
        await site.workbench.feedback.add(site.tenant_id, skill_id, given)
    details = (await site.client.get(HERE)).text
    assert re.findall(r"said-(\d+);", details) == ["52", "51", "50", "49", "48"]
    assert f'href="{url}">All 53</a>' in details
    first = (await site.client.get(url)).text
    (following,) = re.findall(r'rel="next" href="([^"]+)"', first)
    second = (await site.client.get(following.replace("&amp;", "&"))).text
    seen = [int(number) for number in re.findall(r"said-(\d+);", first + second)]
    assert seen == list(reversed(range(53)))
    assert 'rel="next"' not in second
    assert (await site.client.get(url + "?after=nonsense")).text.count("said-") == 50
    assert (await site.client.get("/skills/other/feedback")).status_code == 404
