"""A skill from files that are in memory already: an upload, or a pasted prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from steelyard.domain.errors import SkillError
from steelyard.domain.skills import LintFinding
from steelyard.skills.cases import gather_cases
from steelyard.skills.content import build_prompt_skill, build_skill, find_skill_file, prompt_name
from steelyard.skills.digest import is_content, is_ignored
from steelyard.skills.folder import LoadedSkill
from steelyard.skills.text import MAX_FILE_BYTES, size

_PROMPTS = (".md", ".txt", ".prompt")
_NAMED = 5


def read_bundle(files: Mapping[str, bytes], folder_name: str | None, *, source: str | None = None) -> LoadedSkill:
    """The skill whose folder holds `files` (relative POSIX path -> bytes), or one bare prompt file.

    Raises SkillError when there is none or it cannot be read, CaseError when its golden cases cannot.
    """
    kept = {path: data for path, data in files.items() if not is_ignored(path)}
    if find_skill_file(kept) is None:
        prompt = next(iter(kept)) if len(kept) == 1 else ""
        if prompt.lower().endswith(_PROMPTS):
            return LoadedSkill(build_prompt_skill(kept[prompt], prompt.rsplit("/", 1)[-1], source=source))
        raise _no_skill(kept, folder_name)
    small, findings = _without_large(kept)
    content = build_skill(small, folder_name, source=source, found=tuple(findings))
    gathered = gather_cases(sorted(kept), kept, read=kept.__getitem__, shown_as=lambda key: key)
    return LoadedSkill(content, gathered.cases, gathered.findings, has_case_file=gathered.has_case_file)


def read_prompt(text: str, name: str | None, *, source: str | None = None) -> LoadedSkill:
    """A pasted prompt, which may have frontmatter; `name` is used where that names nothing.

    Raises SkillError, also for a typed name that would have to be changed to be a skill's.
    """
    content = build_prompt_skill(text.encode(), f"{prompt_name(name or '')}.md", source=source)
    if name and "name" not in content.frontmatter and name != content.name:
        shown = name if len(name) <= 80 else name[:77] + "…"
        raise SkillError(
            f"{shown!r} is no name for a skill: it is written with lowercase letters, digits and single hyphens, 64"
            " characters at most.",
            field="name",
            kept="Nothing was added.",
            next_step=f"Call it {content.name}, for instance.",
        )
    return LoadedSkill(content)


def _without_large(files: Mapping[str, bytes]) -> tuple[dict[str, bytes], list[LintFinding]]:
    small: dict[str, bytes] = {}
    findings: list[LintFinding] = []
    for path, data in files.items():
        if len(data) <= MAX_FILE_BYTES or not is_content(path):
            small[path] = data
            continue
        message = f"{path} has {size(len(data))}, more than the {size(MAX_FILE_BYTES)} a file may have: "
        if path.lower() == "skill.md":
            raise SkillError(message + "it is not read.", next_step="Move detail to references/.")
        findings.append(LintFinding("warning", "file-too-large", message + "left out of the skill.", path))
    return small, findings


def _no_skill(files: Mapping[str, bytes], folder_name: str | None) -> SkillError:
    below = sorted(path.rsplit("/", 1)[0] for path in files if path.lower().endswith("/skill.md"))
    if below:
        return SkillError(
            f"there is no SKILL.md at its top; it holds {_listed(below)}.",
            file=folder_name,
            next_step="Upload one of these folders.",
        )
    here = sorted({path.split("/", 1)[0] for path in files})
    what = f"it holds {_listed(here)}" if here else "it is empty"
    return SkillError(
        f"there is no SKILL.md; {what}.",
        file=folder_name,
        next_step="Add a SKILL.md with name and description between two lines of ---, then the instructions.",
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
