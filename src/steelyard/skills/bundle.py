"""A skill from files that are in memory already: an upload, or a pasted prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from steelyard.domain.errors import SkillError
from steelyard.domain.skills import LintFinding
from steelyard.skills.cases import gather_cases
from steelyard.skills.content import build_prompt_skill, build_skill, find_skill_file, prompt_name
from steelyard.skills.digest import is_content, is_ignored
from steelyard.skills.folder import LoadedSkill, is_prompt_file
from steelyard.skills.text import MAX_FILE_BYTES, size

_NAMED = 5


def read_bundle(
    files: Mapping[str, bytes], folder_name: str | None, *, archive: str | None = None, source: str | None = None
) -> LoadedSkill:
    """The skill whose folder holds `files` (relative POSIX path -> bytes).

    `folder_name` is None where the files came in no folder; `archive` is what they came in then: no rule is about its
    name, but a skill that names itself nowhere takes it.

    Raises SkillError when there is none or it cannot be read, CaseError when its golden cases cannot.
    """
    kept = {path: data for path, data in files.items() if not is_ignored(path)}
    if find_skill_file(kept) is None:
        raise _no_skill(kept, folder_name or archive)
    small, findings = _without_large(kept)
    fallback = None if archive is None else prompt_name(archive)
    content = build_skill(small, folder_name, fallback=fallback, source=source, found=tuple(findings))
    gathered = gather_cases(sorted(kept), kept, read=kept.__getitem__, shown_as=lambda key: key)
    return LoadedSkill(content, gathered.cases, gathered.findings, has_case_file=gathered.has_case_file)


def read_prompt_file(data: bytes, name: str, *, source: str | None = None) -> LoadedSkill:
    """One bare prompt file. Raises SkillError."""
    return LoadedSkill(build_prompt_skill(data, name, source=source))


def read_prompt(text: str, name: str | None, *, source: str | None = None) -> LoadedSkill:
    """A pasted prompt, which may have frontmatter; `name` is used where that names nothing.

    Raises SkillError, also where neither names it, and for a typed name that would have to be changed to be a skill's.
    """
    content = build_prompt_skill(text.encode(), f"{prompt_name(name or '')}.md", source=source)
    named = bool(str(content.frontmatter.get("name") or "").strip())
    if not name and not named:
        # One name for all that have none would make each the next version of the one before.
        raise SkillError("The prompt has no name.", field="name", kept="Nothing was added.", next_step="Give it one.")
    if name and not named and name != content.name:
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
    step = "Add a SKILL.md with name and description between two lines of ---, then the instructions"
    prompts = [name for name in here if is_prompt_file(name)]
    step += f", or upload a prompt file such as {prompts[0]} by itself." if prompts else "."
    return SkillError(f"there is no SKILL.md; {what}.", file=folder_name, kept="Nothing was added.", next_step=step)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
