"""Which files of a folder are the skill, and the digest that names a version."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from steelyard.skills.text import NotText, decode

RESULT_FILES = frozenset({"benchmark.json", "grading.json", "timing.json"})
_EVALUATION_FOLDERS = frozenset({"evals", "results"})
_EVALUATION_FILES = frozenset(
    {
        *(f"evals{suffix}" for suffix in (".json", ".jsonl", ".yaml", ".yml", ".csv")),
        "triggering.json",
        "promptfooconfig.yaml",
        "promptfooconfig.yml",
        "promptfooconfig.json",
    }
)
_WAZA_SPECS = ("eval.yaml", "eval.yml")
_WAZA_FILES = frozenset({*_WAZA_SPECS, "trigger_tests.yaml", "trigger_tests.yml"})
_WAZA_FOLDERS = frozenset({"tasks", "fixtures", "graders"})
_NEVER = frozenset({"__pycache__", "node_modules"})


def is_ignored(path: str) -> bool:
    """Hidden files and what tools leave behind."""
    return any(part.startswith(".") or part in _NEVER for part in PurePosixPath(path).parts)


def has_waza_spec(paths: Iterable[str], data: Mapping[str, bytes]) -> bool:
    """Whether the folder's root holds a waza `eval.yaml` (one that lists tasks)."""
    there = set(paths)
    for name in _WAZA_SPECS:
        if name in there:
            try:
                text = decode(data[name])
            except (NotText, KeyError):
                continue
            if any(line.startswith(("tasks:", "skill:")) for line in text.splitlines()):
                return True
    return False


def is_content(path: str, *, waza: bool = False) -> bool:
    """Whether a relative POSIX path belongs to the skill itself: not evaluation, a result, or hidden.

    `waza`: the folder holds a waza suite, so its tasks, fixtures and graders are evaluation too.
    """
    parts = PurePosixPath(path).parts
    if is_ignored(path) or parts[-1] in RESULT_FILES:
        return False
    if len(parts) == 1:
        return parts[0] not in _EVALUATION_FILES and not (waza and parts[0] in _WAZA_FILES)
    return parts[0] not in _EVALUATION_FOLDERS and not (waza and parts[0] in _WAZA_FOLDERS)


def content_files(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of `files` that are the skill, sorted by path."""
    waza = has_waza_spec(files, files)
    return {path: files[path] for path in sorted(files) if is_content(path, waza=waza)}


def digest(files: Mapping[str, bytes]) -> str:
    """sha256 hex over the sorted (path, bytes) of `content_files(files)`; every part is framed by its length."""
    seen = hashlib.sha256()
    for path, data in content_files(files).items():
        for part in (path.encode("utf-8", "surrogateescape"), data):
            seen.update(len(part).to_bytes(8, "big"))
            seen.update(part)
    return seen.hexdigest()
