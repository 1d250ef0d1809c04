"""Ids for cases without one, and families for cases that share a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from steelyard.domain.cases import GoldenCase


def number_cases(cases: Sequence[GoldenCase]) -> list[GoldenCase]:
    """Cases without an id get the smallest free number from their place on."""
    taken = {case.case_id for case in cases}
    numbered: list[GoldenCase] = []
    for place, case in enumerate(cases, 1):
        if not case.case_id:
            number = place
            while str(number) in taken:
                number += 1
            taken.add(str(number))
            case = replace(case, case_id=str(number))
        numbered.append(case)
    return numbered


def share_families(cases: Sequence[GoldenCase]) -> tuple[GoldenCase, ...]:
    """Cases that share a file, even through others, and have no family get one: another's there, else the file's."""
    leader: dict[str, str] = {}

    def find(path: str) -> str:
        while leader.setdefault(path, path) != path:
            path = leader[path]
        return path

    for case in cases:
        paths = sorted(case.files)
        for path in paths[1:]:
            first, second = sorted((find(paths[0]), find(path)))
            leader[second] = first
    groups: dict[str, list[GoldenCase]] = {}
    for case in cases:
        if case.files:
            groups.setdefault(find(min(case.files)), []).append(case)
    names = {
        path: next((case.family for case in group if case.family), f"file:{path}")
        for path, group in groups.items()
        if len(group) > 1
    }
    return tuple(
        replace(case, family=names.get(find(min(case.files)))) if case.files and case.family is None else case
        for case in cases
    )
