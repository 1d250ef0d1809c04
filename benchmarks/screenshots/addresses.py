"""Where the pages of a filled site are: found by following the links a person would."""

from __future__ import annotations

import re

import httpx

from benchmarks.pages.library import MAIN


def addresses(site: str) -> dict[str, str]:
    """Paths of the pages of the small tenant by their names in docs/screenshots. Raises ValueError."""
    skill = f"/skills/{MAIN}"
    with httpx.Client(base_url=site, timeout=60) as client:
        history = client.get(f"{skill}/runs").text
        runs = [run for run in _unique(r'href="(/runs/[0-9a-f-]{36})"', history) if _of_record(client, run)]
        if len(runs) < 2:
            raise ValueError(f"{skill} has no two runs of record.")
        case = _unique(r'href="([^"]*/cases/\d+[^"]*)"', client.get(f"{runs[0]}?only=differ").text)[0]
    a, b = (run.removeprefix("/runs/") for run in (runs[1], runs[0]))
    return {
        "skills": "/",
        "add-skill": "/skills/new",
        "benchmark": f"{skill}/benchmark",
        "causes": f"{skill}/benchmark/causes",
        "production": f"{skill}/benchmark/production",
        "details": f"{skill}/details",
        "versions": f"{skill}/versions",
        "delete": f"{skill}/delete",
        "feedback": f"{skill}/feedback",
        "review": f"{skill}/review",
        "suggestions": f"{skill}/suggestions",
        "run-form": f"{skill}/benchmark/new",
        "run": runs[0],
        "case": case,
        "rate": f"{runs[0]}/rate",
        "people": f"{runs[0]}/people",
        "compare": f"{skill}/compare?a={a}&b={b}",
        "history": f"{skill}/runs",
        "queue": "/queue",
        "drafted-cases": f"{skill}/drafts",
        "case-history": f"{skill}/case-history",
        "draft-version": f"{skill}/versions/draft",
        "models": "/models",
        "spend": "/spend",
        "settings": "/settings",
        "settings-keys": "/settings/keys",
        "settings-providers": "/settings/providers",
        "api": "/v1/docs",
        "not-found": "/skills/no-such-skill/benchmark",
    }


def of_team() -> dict[str, str]:
    """Paths of the pages that there are, or that say more, where people sign in."""
    return {"members": "/members", "account": "/account", "audit": "/audit", "queue-team": "/queue"}


def _of_record(client: httpx.Client, run: str) -> bool:
    return client.get(f"{run}.json").json()["run"]["of_record"]


def _unique(pattern: str, html: str) -> list[str]:
    return list(dict.fromkeys(found.replace("&amp;", "&") for found in re.findall(pattern, html)))
