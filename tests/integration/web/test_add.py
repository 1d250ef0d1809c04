"""Adding a skill: pasted, uploaded as file or folder, or by path."""

from __future__ import annotations

import html
import io
import os
import re
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


async def test_a_zip_without_a_folder_is_not_held_to_a_folders_name(site: Site) -> None:
    data = packed({"SKILL.md": GOOD.encode()})
    answer = await site.post("/skills", {"way": "zip"}, files={"zip": ("s.zip", data)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/skills/greet/details")
    nameless = packed({"SKILL.md": b"---\ndescription: Greets.\n---\nHello"})
    await site.post("/skills", {"way": "zip"}, files={"zip": ("My Greeting (1).zip", nameless)})
    assert await kept(site) == ["greet", "my-greeting-1"]


async def test_a_zip_without_a_skill_is_refused_with_what_was_expected(site: Site) -> None:
    data = packed({"readme.txt": b"About this."})
    answer = await site.post("/skills", {"way": "zip"}, files={"zip": ("s.zip", data)})
    assert answer.status_code == 422
    assert "there is no SKILL.md; it holds readme.txt" in answer.text
    assert "or upload a prompt file such as readme.txt by itself" in answer.text
    assert await kept(site) == []


@pytest.mark.parametrize("path", ["/", "/etc/passwd"])
async def test_a_path_that_is_no_skill_is_refused_at_once(site: Site, path: str) -> None:
    answer = await site.post("/skills", {"way": "path", "path": path})
    assert answer.status_code == 422
    assert ("the folder has no SKILL.md" if path == "/" else "is no prompt file") in answer.text


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
        await site.post("/skills", {"way": "paste", "prompt": text, "version": "1"})
    (row,) = await site.workbench.skills.list(site.tenant_id)
    assert row.versions == 2


CASES = b'{"evals": [%s]}'
PATH_EVALS = "greet/evals/evals.json"


def case_line(number: int) -> bytes:
    return b'{"id": "c-%d", "prompt": "Hi %d", "expected_output": "hello"}' % (number, number)


async def with_cases(site: Site, *numbers: int, check: bool = False) -> str:
    """A zip with those golden cases is added (or checked); the answer's text."""
    evals = CASES % b", ".join(map(case_line, numbers))
    data = packed({"greet/SKILL.md": GOOD.encode(), PATH_EVALS: evals})
    sent = {"way": "zip", **({"check": "1"} if check else {})}
    return (await site.post("/skills", sent, files={"zip": ("greet.zip", data)})).text


async def cases_in_use(site: Site) -> int:
    (row,) = await site.workbench.skills.list(site.tenant_id)
    return row.cases


@pytest.mark.parametrize("way", ["paste", "file", "folder"])
async def test_a_source_without_a_file_of_cases_leaves_those_of_the_folder(site: Site, way: str) -> None:
    await with_cases(site, 1, 2, 3)
    if way == "paste":
        checked = await site.post("/skills", {"way": "paste", "prompt": GOOD + " Warmly.", "check": "1"})
        assert "It brings no golden cases: the 3 of its folder stay" in checked.text
        await site.post("/skills", {"way": "paste", "prompt": GOOD + " Warmly.", "version": "1"})
    elif way == "file":
        sent = {"way": "zip", "version": "1"}
        await site.post("/skills", sent, files={"zip": ("greet.md", GOOD.encode() + b" Warmly.")})
    else:
        sent = {"way": "folder", "version": "1"}
        await site.post("/skills", sent, files=[("folder", ("greet/SKILL.md", GOOD.encode() + b" Oh."))])
    (row,) = await site.workbench.skills.list(site.tenant_id)
    assert (row.versions, row.cases) == (2, 3)


async def test_cases_that_a_folders_file_has_no_more_are_named_before_and_after(site: Site) -> None:
    await with_cases(site, 1, 2, 3, 10)
    assert "retired" not in await with_cases(site, 1, 2, 3, 10, 11, check=True)
    checked = await with_cases(site, 1, check=True)
    assert "3 golden cases of the folder will be retired" in checked
    assert checked.index("c-2") < checked.index("c-3") < checked.index("c-10")
    assert await cases_in_use(site) == 4
    assert "3 golden cases of the folder were retired" in await with_cases(site, 1)
    assert await cases_in_use(site) == 1


async def test_a_file_of_cases_that_is_empty_retires_them_all(site: Site) -> None:
    await with_cases(site, 1)
    assert "1 golden case of the folder was retired, as it is no longer in it" in await with_cases(site)
    assert await cases_in_use(site) == 0


def sent_again(page: str) -> dict[str, str]:
    """The fields of the page's own Add."""
    form = re.search(r'<form method="post" action="/skills".*?</form>', page, re.S)
    assert form is not None
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[0]))
    if area := re.search(r'<textarea name="prompt" hidden>\n(.*?)</textarea>', form[0], re.S):
        fields["prompt"] = area[1]
    return {name: html.unescape(value) for name, value in fields.items() if name != "csrf_token"}


@pytest.mark.parametrize("way", ["paste", "zip", "file", "folder", "path"])
async def test_what_was_checked_can_be_added_from_there(site: Site, way: str, tmp_path: Path) -> None:
    sent: dict[str, str] = {"way": "zip" if way == "file" else way, "check": "1"}
    evals = CASES % case_line(1)
    match way:
        case "paste":
            answer = await site.post("/skills", {**sent, "prompt": GOOD})
        case "zip":
            data = packed({"greet/SKILL.md": GOOD.encode(), PATH_EVALS: evals})
            answer = await site.post("/skills", sent, files={"zip": ("greet.zip", data)})
        case "file":
            answer = await site.post("/skills", sent, files={"zip": ("a.md", GOOD.encode())})
        case "folder":
            parts = [("folder", ("greet/SKILL.md", GOOD.encode())), ("folder", (PATH_EVALS, evals))]
            answer = await site.post("/skills", sent, files=parts)
        case _:
            (tmp_path / "greet").mkdir()
            (tmp_path / "greet" / "SKILL.md").write_text(GOOD, encoding="utf-8")
            answer = await site.post("/skills", {**sent, "path": str(tmp_path / "greet")})
    assert await kept(site) == []
    added = await site.post("/skills", sent_again(answer.text))
    assert (added.status_code, added.headers["location"]) == (303, "/skills/greet/details")
    assert await cases_in_use(site) == (1 if way in ("zip", "folder") else 0)


@pytest.mark.parametrize("way", ["paste", "zip", "folder", "path"])
async def test_a_name_that_is_taken_makes_a_version_only_when_that_is_confirmed(
    site: Site, way: str, tmp_path: Path
) -> None:
    await site.post("/skills", {"way": "paste", "prompt": GOOD})
    changed = GOOD.encode() + b" Warmly."
    match way:
        case "paste":
            answer = await site.post("/skills", {"way": way, "prompt": changed.decode()})
        case "zip":
            data = packed({"greet/SKILL.md": changed})
            answer = await site.post("/skills", {"way": way}, files={"zip": ("s.zip", data)})
        case "folder":
            answer = await site.post("/skills", {"way": way}, files=[("folder", ("greet/SKILL.md", changed))])
        case _:
            (tmp_path / "greet").mkdir()
            (tmp_path / "greet" / "SKILL.md").write_bytes(changed)
            answer = await site.post("/skills", {"way": way, "path": str(tmp_path / "greet")})
    assert answer.status_code == 200
    assert "There is a skill of that name already" in answer.text
    assert 'makes version 2 of <span class="hostile">greet</span>' in answer.text
    assert "Make it version 2" in answer.text
    assert (await site.workbench.skills.list(site.tenant_id))[0].versions == 1
    added = await site.post("/skills", sent_again(answer.text))
    assert (added.status_code, added.headers["location"]) == (303, "/skills/greet/details")
    assert (await site.workbench.skills.list(site.tenant_id))[0].versions == 2
    back = await site.post("/skills", {"way": "paste", "prompt": GOOD})
    assert "brings back an earlier version of" in back.text


@pytest.mark.parametrize("prompt", ["Answer in French.", "---\ndescription: Translates.\nname:\n---\nDo it."])
async def test_a_pasted_prompt_that_nothing_names_is_refused_at_its_name(site: Site, prompt: str) -> None:
    answer = await site.post("/skills", {"way": "paste", "prompt": prompt})
    assert answer.status_code == 422
    assert 'id="name-error">The prompt has no name.' in answer.text
    assert prompt.splitlines()[-1] in answer.text
    assert await kept(site) == []


async def test_an_upload_too_large_for_a_field_is_asked_for_again(site: Site) -> None:
    data = packed({"SKILL.md": GOOD.encode(), **{f"assets/{n}.bin": os.urandom(1_000_000) for n in range(4)}})
    page = (await site.post("/skills", {"way": "zip", "check": "1"}, files={"zip": ("greet.zip", data)})).text
    assert "choose it once more" in page
    assert 'name="packed"' not in page


@pytest.mark.parametrize("sent", ["%%%", "bm8gemlw"])
async def test_a_packed_upload_that_was_meddled_with_adds_nothing(site: Site, sent: str) -> None:
    answer = await site.post("/skills", {"way": "zip", "packed": sent, "packed_name": "x"})
    assert answer.status_code == 422
    assert await kept(site) == []


@pytest.mark.parametrize(
    ("typed", "step"), [("../../x", "Call it x,"), ("a\nb", "Call it a-b,"), ("Ünï", "Call it n,")]
)
async def test_a_name_that_would_be_changed_is_refused_with_the_rule(site: Site, typed: str, step: str) -> None:
    answer = await site.post("/skills", {"way": "paste", "prompt": "Answer in French.", "name": typed})
    assert answer.status_code == 422
    assert step in answer.text
    assert "lowercase letters, digits and single hyphens" in answer.text
    assert await kept(site) == []


async def test_a_name_in_the_frontmatter_counts_before_the_typed_one(site: Site) -> None:
    await site.post("/skills", {"way": "paste", "prompt": GOOD, "name": "Some Name"})
    assert await kept(site) == ["greet"]
