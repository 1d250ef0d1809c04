"""A skill put together from the bytes of its files: parts, prompt, digest and lint."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from steelyard.domain.errors import SkillError
from steelyard.domain.skills import LintFinding, SkillContent
from steelyard.skills.digest import content_files, digest
from steelyard.skills.lint import lint_document
from steelyard.skills.markdown import Document, Link, links, resolve, split
from steelyard.skills.text import NotText, decode

REFERENCE_LIMIT = 200_000
SKILL_FILE = "SKILL.md"
# Both are entries of indexes. The format has 64 for a name, of which the check of the skill tells.
MAX_NAME = 200
MAX_PATH = 500
_SHOWN = 40


def find_skill_file(paths: Mapping[str, bytes]) -> str | None:
    """`SKILL.md`, or the same name in other letters (`skill.md`)."""
    if SKILL_FILE in paths:
        return SKILL_FILE
    return next((path for path in sorted(paths) if path.lower() == "skill.md"), None)


def build_skill(
    files: Mapping[str, bytes],
    folder_name: str | None = None,
    *,
    fallback: str | None = None,
    source: str | None = None,
    reference_limit: int = REFERENCE_LIMIT,
    found: tuple[LintFinding, ...] = (),
) -> SkillContent:
    """The skill in `files` (relative POSIX path -> bytes, as found in its folder).

    `reference_limit`: most characters of the prompt; a reference file that would pass it is left out whole and named
    in `cut`. `found`: remarks of whoever read the files, put first. `fallback`: the name of a skill that names itself
    neither in its frontmatter nor by a folder. Raises SkillError.
    """
    skill_file = find_skill_file(files)
    if skill_file is None:
        raise SkillError("there is no SKILL.md.", file=folder_name, next_step="Add one, or give a prompt file.")
    document = split(_text(files[skill_file], skill_file), skill_file)
    own = content_files(files)
    _refuse_long_paths(own)
    others = {path: data for path, data in own.items() if path != skill_file}
    prompt, cut, remarks = assemble(document, others, reference_limit, folder_name)
    findings = (*found, *lint_document(document, skill_file, folder_name), *remarks)
    return SkillContent(
        name=_name(document, skill_file, folder_name or fallback),
        description=_one_text(document, "description"),
        body=document.body,
        prompt=prompt,
        digest=digest(files),
        frontmatter=document.frontmatter,
        files=own,
        cut=cut,
        lint=findings,
        source=source,
    )


def build_prompt_skill(data: bytes, file_name: str, *, source: str | None = None) -> SkillContent:
    """A bare prompt as a skill of one file; its name is the frontmatter's, else the file's. Raises SkillError."""
    document = split(_text(data, file_name), file_name, frontmatter_expected=False)
    stem = prompt_name(PurePosixPath(file_name).stem)
    prompt = document.body.strip()
    if not prompt:
        raise SkillError(
            "the prompt is empty.", file=file_name, next_step="Write the instructions a model is to follow."
        )
    files = {SKILL_FILE: data}
    return SkillContent(
        name=_name(document, file_name, stem),
        description=_one_text(document, "description"),
        body=document.body,
        prompt=prompt,
        digest=digest(files),
        frontmatter=document.frontmatter,
        files=files,
        lint=lint_document(document, file_name, None) if document.has_frontmatter else (),
        source=source,
    )


def prompt_name(text: str) -> str:
    """`text` as a skill's name: lowercase letters, digits and single hyphens, at most 64 characters."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:64].strip("-") or "prompt"


def assemble(
    document: Document, others: Mapping[str, bytes], limit: int, folder_name: str | None = None
) -> tuple[str, tuple[str, ...], tuple[LintFinding, ...]]:
    """(prompt, paths cut by the limit, remarks): the body, then each file it links to, one level deep.

    The body is never cut. Scripts and binary files are never sent.
    """
    prompt = document.body.strip()
    cut: list[str] = []
    remarks: list[LintFinding] = []
    included: dict[str, str] = {}
    for link in links(document.body, document.body_line):
        path = resolve(link.path, others, folder_name)
        if path is None:
            remarks += _missing(link)
        elif path.startswith("scripts/"):
            message = f"{path} is a script: a single-turn run neither sends nor executes it."
            remarks.append(LintFinding("warning", "script-not-run", message, line=link.line))
        elif path not in included and path not in cut:
            try:
                text = decode(others[path]).strip()
            except NotText as error:
                message = f"{path} is not sent: {error.reason}."
                remarks.append(LintFinding("warning", "binary-reference", message, line=link.line))
                continue
            part = f"\n\n## File: {path}\n\n{text}"
            if len(prompt) + len(part) > limit:
                cut.append(path)
            else:
                included[path] = text
                prompt += part
    if cut:
        message = f"{', '.join(cut)} left out of the prompt: with it, it would pass {limit:,} characters."
        remarks.append(LintFinding("warning", "references-cut", message))
    return prompt, tuple(cut), (*remarks, *_deeper(included, others, {*included, *cut}))


def _missing(link: Link) -> list[LintFinding]:
    folder = link.path.split("/", 1)[0]
    if not link.explicit and folder not in ("references", "assets", "scripts"):
        return []
    return [LintFinding("warning", "missing-file", f"{link.path} is named but is not in the folder.", line=link.line)]


def _deeper(included: Mapping[str, str], others: Mapping[str, bytes], known: set[str]) -> list[LintFinding]:
    found: list[LintFinding] = []
    for path, text in included.items():
        folder = path.rsplit("/", 1)[0] + "/" if "/" in path else ""
        for link in links(text):
            target = resolve(link.path, others) or resolve(folder + link.path, others)
            if target and target not in known and not target.startswith("scripts/"):
                known.add(target)
                message = f"{target} is linked from {path} only: references go one level deep, so it is not sent."
                found.append(LintFinding("warning", "deep-reference", message, path, link.line))
    return found


def _text(data: bytes, file: str) -> str:
    try:
        return decode(data)
    except NotText as error:
        raise SkillError(
            f"cannot be read: {error.reason}.", file=file, line=error.line, next_step="Save it as UTF-8 text."
        ) from None


def _one_text(document: Document, key: str) -> str:
    value = document.frontmatter.get(key)
    return "" if value is None or isinstance(value, dict | list) else str(value).strip()


def _name(document: Document, file: str, fallback: str | None) -> str:
    name = _one_text(document, "name") or fallback or "skill"
    if len(name) > MAX_NAME:
        raise SkillError(
            f"the skill's name '{name[:_SHOWN]}…' has {len(name):,} characters; {MAX_NAME} are the most.",
            file=file,
            line=document.keys.get("name"),
            next_step="Give it a short one of lowercase letters, digits and hyphens.",
        )
    return name


def _refuse_long_paths(paths: Iterable[str]) -> None:
    long = next((path for path in sorted(paths) if len(path) > MAX_PATH), None)
    if long is not None:
        raise SkillError(
            f"its path in the skill's folder has {len(long):,} characters; {MAX_PATH} are the most.",
            file=f"{long[:_SHOWN]}…",
            next_step="Move it up or rename it, or leave it out of the skill's folder.",
        )
