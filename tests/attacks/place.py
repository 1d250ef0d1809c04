"""A tenant with one of each kind of record, the addresses of its pages, and the forms that stand on them."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import httpx
from starlette.datastructures import FormData

from steelyard.domain.feedback import Feedback, FeedbackType
from steelyard.services.cases import CaseDraft
from steelyard.storage.database import Database
from steelyard.web.access import ACCESS
from steelyard.workbench import Workbench
from tests.integration.web.made import MadeModel, content, made_run, made_skill

PAGES = [route for route in ACCESS if " /v1/" not in route]
GETS = [route.removeprefix("GET ") for route in PAGES if route.startswith("GET ")]
# What each goes by in an address; every other part is an id of nothing.
NOWHERE = "00000000-0000-4000-8000-0000000000ff"
# They end what the others need.
LAST = re.compile(r"delete|remove|revoke|discard|/end\Z|sign-out")


def changing() -> list[str]:
    """The paths of all routes of pages that change something, those that end something last."""
    from steelyard.web.access import OPEN

    posts = [route.removeprefix("POST ") for route in (*PAGES, *sorted(OPEN)) if route.startswith("POST ")]
    return sorted(posts, key=lambda path: bool(LAST.search(path)))


async def filled(bench: Workbench, tenant: UUID) -> dict[str, str]:
    """Make the records; gives what stands for each part of an address."""
    skill = await made_skill(bench, tenant, content("weigh"), 12)
    # As good as can be, so that they are tied.
    models = [MadeModel("openai:a", 400), MadeModel("openai:b", 400)]
    first = await made_run(bench, tenant, skill, models, seed=2)
    run = await made_run(bench, tenant, skill, models)
    await bench.cases.propose(tenant, skill, CaseDraft("How heavy?", "1 kg"))
    suggestion = await bench.suggestions.add(tenant, skill, title="Say the unit")
    said = Feedback(FeedbackType.TRAINING_EXAMPLE, example_input="in", expected_output="out")
    await bench.feedback.add(tenant, skill, said)
    cases = await bench.cases.list(tenant, skill)
    version = (await bench.versions.list(tenant, skill))[0]
    async with bench.database.tenant(tenant) as connection:
        found = await connection.execute("SELECT id FROM benchmark_results WHERE benchmark_run_id = %s LIMIT 1", (run,))
        row = await found.fetchone()
        examples = await connection.execute("SELECT id FROM skill_feedback LIMIT 1")
        example = await examples.fetchone()
    assert row is not None
    assert example is not None
    return {
        "skill": "weigh",
        "run_id": str(run),
        "other_run": str(first),
        "case": str(cases[0].id),
        "pending": str(cases[-1].id),
        "suggestion": str(suggestion),
        "example": str(example["id"]),
        "version": version.digest,
        "result_id": str(row["id"]),
        "number": "1",
        "form": "svg",
        "part": "input",
        "decision": "accept",
        "kind": "proposed",
        "item": str(cases[-1].id),
        "name": "workshop",
        "rest": "people",
        "short": str(run)[:8],
    }


def address(template: str, parts: Mapping[str, str]) -> str:
    """A route's path with its parts filled in."""
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda part: parts.get(part[1], NOWHERE), template)


def route_of(path: str, method: str = "POST") -> str | None:
    """The template of the route that an address is of, the most literal one first."""
    path = path.split("?")[0].split("#")[0]
    found = [
        template
        for name, template in (route.split(" ") for route in ACCESS)
        if name == method and re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path)
    ]
    return min(found, key=lambda template: template.count("{"), default=None)


@dataclass
class PageForm:
    """A form that posts: where to, and its fields with what stands in them. `typed` are those that a person types."""

    action: str
    multipart: bool
    fields: dict[str, str] = field(default_factory=dict[str, str])
    typed: list[str] = field(default_factory=list[str])


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[PageForm] = []
        self._form: PageForm | None = None
        self._area: str | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        action = given.get("action") or given.get("hx-post") or given.get("formaction") or ""
        if tag == "form" and given.get("method") == "post":
            self._form = PageForm(action, "multipart" in given.get("enctype", ""))
            self.found.append(self._form)
        if self._form is None:
            return
        name = given.get("name", "")
        if tag == "button" and name:
            self._form.fields.setdefault(name, given.get("value", ""))
        elif tag == "textarea":
            self._area = name
            self._form.fields[name] = ""
            self._form.typed.append(name)
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and (self._select not in self._form.fields or "selected" in given):
            self._form.fields[self._select] = given.get("value", "")
        elif tag == "input" and name:
            self._input(self._form, given)

    def _input(self, form: PageForm, given: Mapping[str, str]) -> None:
        name, kind = given["name"], given.get("type", "text")
        if kind in ("radio", "checkbox"):
            if "checked" in given or (kind == "checkbox" and name not in form.fields):
                form.fields[name] = given.get("value", "on")
        elif kind != "file":
            form.fields[name] = given.get("value", "")
            if kind != "hidden":
                form.typed.append(name)

    def handle_data(self, data: str) -> None:
        if self._form is not None and self._area:
            self._form.fields[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "textarea":
            self._area = None
        elif tag == "select":
            self._select = None


def forms_in(html: str) -> list[PageForm]:
    parser = _Forms()
    parser.feed(html)
    return parser.found


async def forms_of(client: httpx.AsyncClient, parts: Mapping[str, str]) -> dict[str, PageForm]:
    """By the route it posts to, a form of each kind that stands on a page; each page is as whole as it gets."""
    found: dict[str, PageForm] = {}
    for template in GETS:
        if "events" in template:
            continue
        for query in ("", "?way=path", "?way=zip"):
            if query and template != "/skills/new":
                continue
            answer = await client.get(address(template, parts) + query)
            assert answer.status_code < 500, (template, answer.text)
            for form in forms_in(answer.text) if "html" in answer.headers.get("content-type", "") else ():
                route = route_of(form.action)
                if route is not None and len(form.fields) > len(found.get(route, PageForm("", False)).fields):
                    found[route] = form
    return found


@asynccontextmanager
async def asked_for() -> AsyncGenerator[set[str]]:
    """The names of all fields that are read from forms while inside."""
    names: set[str] = set()
    kept = FormData.get, FormData.getlist

    def get(self: FormData, key: Any, default: Any = None) -> Any:
        names.add(key)
        return kept[0](self, key, default)

    def getlist(self: FormData, key: Any) -> Any:
        names.add(key)
        return kept[1](self, key)

    FormData.get, FormData.getlist = get, getlist  # type: ignore[method-assign]
    try:
        yield names
    finally:
        FormData.get, FormData.getlist = kept  # type: ignore[method-assign]


async def stored(database: Database, tenant: UUID) -> dict[str, list[str]]:
    """Every text that the tenant's rows and those of no tenant hold, also within JSON, by table and column."""
    found: dict[str, list[str]] = {}
    async with database.tenant(tenant) as connection:
        tables = await connection.execute(
            """SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
                WHERE relkind IN ('r', 'p') AND NOT relispartition AND nspname = current_schema()
                  AND has_table_privilege(c.oid, 'SELECT') ORDER BY relname"""
        )
        for row in await tables.fetchall():
            table = row["relname"]
            rows = await connection.execute(f'SELECT to_json(t) AS row FROM "{table}" t')  # type: ignore[arg-type]
            for one in await rows.fetchall():
                for column, value in one["row"].items():
                    found.setdefault(f"{table}.{column}", []).extend(_texts(value))
    return found


def _texts(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [text for one in value.values() for text in _texts(one)]
        case list():
            return [text for one in value for text in _texts(one)]
        case _:
            return []
