"""Adding a skill: pasted, uploaded as file or folder, or by path."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from tests.integration.web.harness import Site

GOOD = "---\nname: greet\ndescription: Greets people by name. Use when someone says hello.\n---\nSay hello to them."


def packed(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


async def kept(site: Site) -> list[str]:
    return [row.name for row in await site.workbench.skills.list(site.tenant_id)]


@pytest.mark.parametrize("way", ["paste", "zip", "folder", "path", "nonsense"])
async def test_each_way_has_a_form(site: Site, way: str) -> None:
    page = await site.client.get(f"/skills/new?way={way}")
    assert page.status_code == 200
    assert 'action="/skills"' in page.text


async def test_a_pasted_skill_is_added_and_shown(site: Site) -> None:
    answer = await site.post("/skills", {"way": "paste", "prompt": GOOD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/skills/greet/details")
    assert await kept(site) == ["greet"]


async def test_a_pasted_prompt_without_frontmatter_takes_the_name_given(site: Site) -> None:
    await site.post("/skills", {"way": "paste", "prompt": "Answer in French.", "name": "in-french"})
    assert await kept(site) == ["in-french"]


async def test_remarks_of_the_linter_are_shown(site: Site) -> None:
    answer = await site.post("/skills", {"way": "paste", "prompt": "---\nname: Greet Them\n---\nHello"})
    assert answer.status_code == 200
    assert "Added 1 skill" in answer.text
    assert 'class="findings"' in answer.text


async def test_checking_adds_nothing(site: Site) -> None:
    answer = await site.post("/skills", {"way": "paste", "prompt": GOOD, "check": "1"})
    assert "Nothing was added yet" in answer.text
    assert await kept(site) == []


async def test_what_was_typed_is_kept_when_it_cannot_be_used(site: Site) -> None:
    answer = await site.post("/skills", {"way": "paste", "prompt": "  ", "name": "my-name"})
    assert answer.status_code == 422
    assert 'value="my-name"' in answer.text
    assert 'role="alert"' in answer.text


async def test_an_uploaded_zip_is_added_with_its_golden_cases(site: Site) -> None:
    evals = b'{"evals": [{"id": 1, "prompt": "Hi", "expected_output": "hello"}]}'
    data = packed({"greet/SKILL.md": GOOD.encode(), "greet/evals/evals.json": evals})
    answer = await site.post("/skills", {"way": "zip"}, files={"zip": ("greet.zip", data)})
    assert answer.status_code == 303
    (row,) = await site.workbench.skills.list(site.tenant_id)
    assert (row.name, row.cases) == ("greet", 1)


async def test_an_uploaded_prompt_file_is_added(site: Site) -> None:
    await site.post("/skills", {"way": "zip"}, files={"zip": ("in-french.txt", b"Answer in French.")})
    assert await kept(site) == ["in-french"]


async def test_an_uploaded_folder_is_added(site: Site) -> None:
    parts = [("folder", ("greet/SKILL.md", GOOD.encode())), ("folder", ("greet/references/a.md", b"More."))]
    answer = await site.post("/skills", {"way": "folder"}, files=parts)
    assert answer.status_code == 303
    assert await kept(site) == ["greet"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "greet/../x"])
async def test_a_path_that_leaves_the_folder_adds_nothing(site: Site, name: str) -> None:
    data = packed({"SKILL.md": GOOD.encode(), name: b"x"})
    answer = await site.post("/skills", {"way": "zip"}, files={"zip": ("x.zip", data)})
    assert answer.status_code == 422
    assert "cannot be taken" in answer.text
    assert await kept(site) == []


@pytest.mark.parametrize("way", ["zip", "folder", "path", "paste", "", "other"])
async def test_a_form_with_nothing_in_it_says_what_to_do(site: Site, way: str) -> None:
    assert (await site.post("/skills", {"way": way})).status_code == 422


async def test_a_folder_of_skills_on_this_machine_is_added_whole(site: Site, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "SKILL.md").write_text(GOOD.replace("greet", name), encoding="utf-8")
    answer = await site.post("/skills", {"way": "path", "path": str(tmp_path)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert await kept(site) == ["one", "two"]


@pytest.mark.parametrize("path", ["/no/such/place", "~nobody-here/x", "relative/none"])
async def test_a_path_that_is_not_there_says_so(site: Site, path: str) -> None:
    answer = await site.post("/skills", {"way": "path", "path": path})
    assert answer.status_code == 422
    assert path in answer.text


async def test_the_same_skill_again_is_a_new_version_only_when_it_changed(site: Site) -> None:
    for text in (GOOD, GOOD, GOOD + " Warmly."):
        await site.post("/skills", {"way": "paste", "prompt": text})
    (row,) = await site.workbench.skills.list(site.tenant_id)
    assert row.versions == 2
