"""The door to the disk: skills from folders and prompt files, cases from files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from steelyard.domain.cases import GoldenCase
from steelyard.domain.errors import CaseError, SkillError
from steelyard.domain.skills import LintFinding, SkillContent
from steelyard.skills.cases import MAX_CASES_BYTES, GatheredCases, ParsedCases, gather_cases, parse_cases
from steelyard.skills.cases.patience import be_patient
from steelyard.skills.content import REFERENCE_LIMIT, build_prompt_skill, build_skill
from steelyard.skills.digest import has_waza_spec, is_content, is_ignored
from steelyard.skills.disk import MAX_FILES, FolderFiles
from steelyard.skills.text import MAX_FILE_BYTES, size

MAX_SKILL_BYTES = 50_000_000
PROMPT_ENDINGS = (".md", ".txt", ".prompt")
_CASES = "evals/evals.json"
_IGNORED_FOLDERS = frozenset({"evals"})


@dataclass(frozen=True)
class LoadedSkill:
    """A skill with its golden cases. `findings` say what of the cases was lossy; lint is in `content.lint`.

    `has_case_file` is False where nothing that was read is about golden cases: a pasted prompt, a folder without evals.
    """

    content: SkillContent
    cases: tuple[GoldenCase, ...] = ()
    findings: tuple[LintFinding, ...] = ()
    path: Path | None = None
    has_case_file: bool = False

    @property
    def told_cases(self) -> tuple[GoldenCase, ...] | None:
        """The cases as far as the source says anything of them; None leaves those a skill has as they are."""
        return self.cases if self.has_case_file else None


def read_skill(path: str | Path, *, reference_limit: int = REFERENCE_LIMIT) -> LoadedSkill:
    """The skill at `path`: an Agent Skills folder, its SKILL.md, or a bare prompt file.

    Raises SkillError when there is none or it cannot be read, CaseError when its golden cases cannot.
    """
    path = Path(path)
    if path.is_dir():
        return _read_folder(path, reference_limit)
    if not path.exists():
        raise SkillError(
            "there is no such file or folder.", file=str(path), next_step="Give a skill folder or a prompt file."
        )
    if path.name.lower() == "skill.md":
        return _read_folder(path.parent, reference_limit)
    if not path.is_file():
        raise SkillError(
            "is neither a file nor a folder.", file=str(path), next_step="Give a skill folder or a prompt file."
        )
    if not is_prompt_file(path.name):
        raise SkillError(
            f"is no prompt file; the name of one ends in {', '.join(PROMPT_ENDINGS[:-1])} or {PROMPT_ENDINGS[-1]}.",
            file=str(path),
            next_step="Give a skill folder, or rename the file if it is a prompt.",
        )
    return LoadedSkill(build_prompt_skill(_read(path, SkillError), path.name, source=str(path)), path=path)


def is_prompt_file(name: str) -> bool:
    """Whether a file of that name may be a bare prompt: anything else that is text may be somebody's secret."""
    return name.lower().endswith(PROMPT_ENDINGS)


def find_skills(path: str | Path, *, levels: int | None = None) -> list[Path]:
    """Every folder at or below `path` that holds a SKILL.md, sorted; a skill's own subfolders are not searched.

    `levels`: how far below `path` is searched; None for all. Hidden folders, node_modules and evals are passed over;
    symbolic links are not followed.
    """
    found: list[Path] = []
    for folder, folders, names in os.walk(path):
        deepest = levels is not None and len(Path(folder).relative_to(path).parts) >= levels
        if any(name.lower() == "skill.md" for name in names):
            found.append(Path(folder))
            folders.clear()
        elif deepest:
            folders.clear()
        folders[:] = sorted(name for name in folders if not is_ignored(name) and name not in _IGNORED_FOLDERS)
    return sorted(found)


def read_skills(
    path: str | Path, *, reference_limit: int = REFERENCE_LIMIT, levels: int | None = None
) -> list[LoadedSkill]:
    """The skill at `path`, or every skill at most `levels` below it.

    Raises SkillError when there is none, or as `read_skill`.
    """
    path = Path(path)
    folders = find_skills(path, levels=levels) if path.is_dir() else []
    if not folders:
        return [read_skill(path, reference_limit=reference_limit)]
    return [read_skill(folder, reference_limit=reference_limit) for folder in folders]


def read_cases_file(path: str | Path) -> ParsedCases:
    """The golden cases of one file (JSON, JSONL, YAML, CSV, promptfoo, or a waza `eval.yaml` with its tasks).

    Files the cases name are looked for beside it, and in the folder above when it is in `evals`. Raises CaseError.
    """
    path = Path(path)
    if path.is_dir():
        raise CaseError("is a folder, not a file of cases.", file=str(path), next_step="Give the file itself.")
    data = _read(path, CaseError, MAX_CASES_BYTES)
    be_patient()
    root = path.parent.parent if path.parent.name == "evals" else path.parent
    name = path.name if root == path.parent else f"evals/{path.name}"
    return parse_cases(name, data, FolderFiles(root, MAX_FILE_BYTES), shown_as=str(path))


def _read(path: Path, error: type[SkillError | CaseError], limit: int = MAX_FILE_BYTES) -> bytes:
    try:
        count = path.stat().st_size
        if count > limit:
            raise error(
                f"the file has {size(count)}; at most {size(limit)} are read.",
                file=str(path),
                next_step="Split it, or shorten what it holds.",
            )
        return path.read_bytes()
    except OSError as problem:
        reason = (problem.strerror or "unreadable").lower()
        raise error(
            f"the file cannot be opened ({reason}).", file=str(path), next_step="Check its path and rights."
        ) from None


def _read_folder(path: Path, reference_limit: int) -> LoadedSkill:
    listing = FolderFiles(path, MAX_FILE_BYTES)
    # Asked of the folder's own entries first: without a SKILL.md what lies below may be a whole disk.
    here = _entries(path)
    if not any(name.lower() == "skill.md" and listing.path(name) for name in here):
        raise _no_skill(path, here)
    keys = list(listing)
    if listing.truncated:
        raise SkillError(
            f"the folder holds more than {MAX_FILES:,} files.", file=str(path), next_step="Give the skill's own folder."
        )
    if reason := listing.refused.get(_CASES):
        raise CaseError(f"is {reason}.", file=str(path / _CASES), next_step="Put the file itself there, or remove it.")
    data, findings = _read_content(path, listing, keys)
    content = build_skill(
        data, path.resolve().name, source=str(path), reference_limit=reference_limit, found=tuple(findings)
    )
    gathered = _read_cases(path, keys)
    return LoadedSkill(content, gathered.cases, gathered.findings, path, gathered.has_case_file)


def _entries(path: Path) -> list[str]:
    """What the folder itself holds, without what is hidden or ignored."""
    try:
        return sorted(name for name in os.listdir(path) if not is_ignored(name))
    except OSError as problem:
        reason = (problem.strerror or "unreadable").lower()
        raise SkillError(
            f"the folder cannot be opened ({reason}).", file=str(path), next_step="Check its path and rights."
        ) from None


def _no_skill(path: Path, here: list[str]) -> SkillError:
    if own := next((name for name in here if name.lower() == "skill.md"), None):
        reason = "a symbolic link to nothing in the folder" if (path / own).is_symlink() else "no regular file"
        return SkillError(f"SKILL.md is {reason}.", file=str(path), next_step="Put the file itself into the folder.")
    skills = find_skills(path, levels=1)
    if skills:
        names = ", ".join(skill.relative_to(path).as_posix() for skill in skills[:5])
        count = f"{len(skills)} skills" if len(skills) > 1 else "1 skill"
        more = f" and {len(skills) - 5} more" if len(skills) > 5 else ""
        return SkillError(
            f"the folder has no SKILL.md of its own; it holds {count}: {names}{more}.",
            file=str(path),
            next_step="Give one of these folders.",
        )
    what = f"it holds {', '.join(here[:5])}{' and more' if len(here) > 5 else ''}" if here else "it is empty"
    prompts = [name for name in here if is_prompt_file(name) and (path / name).is_file()]
    step = "Add a SKILL.md with name and description between two lines of ---, then the instructions"
    step += f", or give a prompt file such as {prompts[0]}." if prompts else "."
    return SkillError(f"the folder has no SKILL.md; {what}.", file=str(path), next_step=step)


def _read_content(path: Path, listing: FolderFiles, keys: list[str]) -> tuple[dict[str, bytes], list[LintFinding]]:
    findings = [
        LintFinding("warning", "file-refused", f"It is {reason}: left out.", key)
        for key, reason in sorted(listing.refused.items())
        if is_content(key)
    ]
    waza = has_waza_spec(keys, listing)
    data: dict[str, bytes] = {}
    total = 0
    for key in keys:
        if not is_content(key, waza=waza):
            continue
        count = listing.size(key)
        if count > MAX_FILE_BYTES:
            message = f"has {size(count)}, more than the {size(MAX_FILE_BYTES)} a file may have: "
            if key.lower() == "skill.md":
                raise SkillError(
                    f"{key} {message}it is not read.", file=str(path), next_step="Move detail to references/."
                )
            findings.append(
                LintFinding("warning", "file-too-large", f"It {message}left out of the skill and its digest.", key)
            )
            continue
        total += count
        if total > MAX_SKILL_BYTES:
            raise SkillError(
                f"the folder holds more than {size(MAX_SKILL_BYTES)}.",
                file=str(path),
                next_step="Move what the skill does not need elsewhere, or give the skill's own folder.",
            )
        try:
            data[key] = listing[key]
        except KeyError:
            if key.lower() == "skill.md":
                raise SkillError("SKILL.md cannot be opened.", file=str(path), next_step="Check its rights.") from None
            findings.append(LintFinding("warning", "file-refused", "It cannot be opened: left out.", key))
    if waza and (specs := [name for name in ("eval.yaml", "eval.yml") if name in keys]):
        # The spec is what tells the pure code that tasks, fixtures and graders are no part of the skill.
        data.update({name: listing[name] for name in specs})
    return data, findings


def _read_cases(path: Path, keys: list[str]) -> GatheredCases:
    return gather_cases(
        keys,
        FolderFiles(path, MAX_FILE_BYTES),
        read=lambda key: _read(path / key, CaseError, MAX_CASES_BYTES),
        shown_as=lambda key: str(path / key),
    )
