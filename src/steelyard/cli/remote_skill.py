"""Skills as they are sent to a server, and as it has them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from steelyard.domain.cases import CaseSource, GoldenCase
from steelyard.domain.errors import SkillError
from steelyard.domain.skills import LintFinding, SkillContent
from steelyard.skills.disk import FolderFiles
from steelyard.skills.folder import MAX_SKILL_BYTES, LoadedSkill
from steelyard.skills.text import MAX_FILE_BYTES, size

if TYPE_CHECKING:
    from steelyard.client.documents import NewSkill, VersionDetail
    from steelyard.services.wire import ShownSkill


def packed(skill: LoadedSkill) -> NewSkill | bytes:
    """A prompt as its text, a folder as a zip of all its files. Raises SkillError."""
    path = skill.path
    assert path is not None
    if path.name.lower() == "skill.md":
        path = path.parent
    if not path.is_dir():
        return {"prompt": skill.content.files["SKILL.md"].decode("utf-8", "replace"), "name": skill.content.name}
    return _zip(path)


def _zip(path: Path) -> bytes:
    listing, buffer, total = FolderFiles(path, MAX_FILE_BYTES), io.BytesIO(), 0
    # Stored as they are: what compresses a thousandfold is refused as a bomb.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for key in listing:
            file = listing.path(key)
            if file is None:
                continue
            try:
                total += file.stat().st_size
                if total > MAX_SKILL_BYTES:
                    raise SkillError(
                        f"the folder has more than {size(MAX_SKILL_BYTES)}, which is more than a server takes.",
                        file=str(path),
                        next_step="Move what the skill does not need elsewhere.",
                    )
                archive.writestr(f"{path.resolve().name}/{key}", file.read_bytes())
            except OSError as error:
                raise SkillError(f"{key} cannot be read ({error.strerror}).", file=str(path)) from None
    return buffer.getvalue()


def same_cases(skill: LoadedSkill, kept: ShownSkill) -> bool:
    """Whether the server has the cases of the folder as they are here; true where that says nothing of cases."""
    if skill.told_cases is None:
        return True
    there = {one.case.case_id: _text(one.case) for one in kept.cases if one.case.source is CaseSource.FILE}
    return there == {case.case_id: _text(case) for case in skill.told_cases}


def content_of(kept: ShownSkill, version: VersionDetail | None) -> SkillContent:
    """The skill's version in use, or another one as the API tells it, without its files."""
    row, own = kept.row, kept.version
    if version is None:
        lint = [LintFinding(**one) for one in own.lint]
        return SkillContent(
            row.name, row.description, own.body, own.prompt, own.digest, own.frontmatter, {},
            tuple(own.references_cut), tuple(lint),
        )  # fmt: skip
    lint = [LintFinding(**one) for one in version["remarks"]]
    return SkillContent(
        row.name, row.description, version["prompt"], version["prompt"], version["digest"], version["frontmatter"], {},
        tuple(version["references_cut"]), tuple(lint),
    )  # fmt: skip


def _text(case: GoldenCase) -> tuple[str, str | None, str | None]:
    return case.grading_digest, case.family, case.case_set
