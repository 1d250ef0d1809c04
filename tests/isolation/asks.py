"""Requests for what is one tenant's, made up of the site's own routes: each with that tenant's ids in every place.

What a route takes is read from the route. A part of an address, a field of a query or of a body that may name
something and is not known here fails the tests, as does a form without a line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any
from urllib.parse import quote

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from steelyard.api.nouns import ROUTERS as API_ROUTERS
from steelyard.api.nouns import openapi, operations
from steelyard.api.operation import Operation
from steelyard.domain.access import Role
from steelyard.web.access import ACCESS
from steelyard.web.app import ROUTERS
from tests.isolation.twins import JUDGE, Twin

Values = Sequence[str]


@dataclass(frozen=True)
class Ask:
    """One request, to be sent by somebody of another tenant than the one that its ids are of."""

    route: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    form: Mapping[str, str | list[str]] | None = None
    body: Any = None

    def sent(self, token: str = "") -> dict[str, Any]:
        """What an HTTP client is to be given."""
        headers = {"x-csrf-token": token} if token else {}
        if self.body is not None:
            headers |= {"content-type": "application/json"}
        content = None if self.body is None else json.dumps(self.body).encode()
        return {
            "method": self.method,
            "url": self.path,
            "params": self.query or None,
            "data": self.form,
            "content": content,
            "headers": headers,
        }


def _both(twin: Twin, *names: str) -> Values:
    return [skill.ids[name] for skill in (twin.own, twin.alike) for name in names]


def _parts(twin: Twin) -> dict[str, Values]:
    """What parts of addresses are of a tenant, and all that a tenant has for them."""
    return {
        "skill": [twin.own.name, str(twin.own.id), str(twin.alike.id)],
        "run_id": [*_both(twin, "run"), twin.own.ids["running"]],
        "short:short_id": [run[:8] for run in _both(twin, "run")],
        "case": [twin.own.ids["case"], twin.alike.ids["proposed"]],
        "case_id": [twin.own.ids["case"], twin.alike.ids["proposed"], twin.own.ids["retired"]],
        "example": _both(twin, "example"),
        "suggestion": _both(twin, "suggestion"),
        "suggestion_id": _both(twin, "suggestion"),
        "version": [twin.own.ids["draft digest"][:12], twin.alike.ids["draft version"]],
        "result_id": _both(twin, "result"),
        "output_id": _both(twin, "result"),
        "tie_break_id": _both(twin, "tie-break"),
        "review_id": _both(twin, "review"),
        "draft_id": _both(twin, "drafts"),
        "start": [twin.own.ids["run"], twin.alike.ids["run"][:8]],
        "case_start": [*_both(twin, "case", "rated"), *(one[:8] for one in _both(twin, "proposed", "example", "use"))],
        "cases_of": [
            twin.own.name,
            str(twin.alike.id),
            *_both(twin, "case"),
            *(one[:8] for one in _both(twin, "example")),
        ],
        "invitation": [twin.ids["invitation"]],
        "invitation_id": [twin.ids["invitation"]],
        "key": [twin.ids["key"]],
        "key_id": [twin.ids["key"]],
        "user": [twin.ids["user"]],
        # Not the admin, whom no key changes or removes.
        "user_id": [str(twin.people[Role.VIEWER].id)],
        "session": [twin.ids["session"]],
        "identity": [twin.ids["identity"]],
    }


# Under these anything is looked for: what asks has such a thing itself.
_PARENTS = frozenset({"skill", "run_id"})
# What is nobody's.
_PLAIN: Mapping[str, Values] = {
    "number": ["1"],
    "place": ["0"],
    "part": ["input"],
    "form": ["csv"],
    "decision": ["accept", "reject"],
    "rest:path": ["people"],
    "provider": ["acme"],
}
_KINDS = {"proposed": "proposed", "example": "example", "use": "use", "disagreement": "rated"}
_OF_QUERY = frozenset(
    {"a", "b", "actor", "before", "from", "name", "rater", "review", "since", "skill", "suggestion", "to", "version"}
    | {"after", "of", "was"}
)
# Numbers, days, orders and words of their own, which name nothing that a tenant has.
_PLAIN_QUERY = frozenset(
    {"again", "arm", "cases", "cause", "changed", "connected", "day", "days", "descending", "dir", "done", "download"}
    | {
        "edit",
        "health",
        "invited",
        "judge",
        "kind",
        "limit",
        "line",
        "model",
        "models",
        "month",
        "next",
        "of_record",
        "offset",
    }
    | {"only", "page", "path", "prices", "q", "show", "sort", "stale", "state", "status", "trial", "until", "view"}
    | {"way"}
)

# The fields of pages' forms, {…} being of the tenant that is asked for. None: there is no room for an id, so that
# nothing is to be asked. What has room is asked also where the address is one's own.
FORMS: Mapping[str, Sequence[Mapping[str, str | list[str]]] | None] = {
    "POST /demo": None,
    "POST /sign-out": None,
    "POST /tenant": [{"tenant": "{tenant}"}],
    "POST /account/name": None,
    "POST /account/password": None,
    "POST /account/oidc/{provider}": None,
    "POST /account/oidc/{identity}/end": [{}],
    "POST /account/sessions/end": None,
    "POST /account/sessions/{session}/end": [{}],
    # Whoever is invited is named in one's own invitation (test_both.py).
    "POST /members/invite": None,
    "POST /members/invitations/{invitation}/revoke": [{}],
    "POST /members/{user}/role": [{"role": "viewer"}],
    "POST /members/{user}/remove": [{}],
    "POST /queue/name": None,
    "POST /queue/reject": [
        {"item": [f"{kind}:{{{name}}}" for kind, name in _KINDS.items()], "why": "No."},
        {"why": "No.", "skill": "{skill}"},
    ],
    "POST /queue/{kind}/{item}": [{"do": "accept"}, {"do": "propose"}, {"do": "reject", "why": "No."}],
    "POST /runs/{run_id}/cancel": [{}],
    "POST /runs/{run_id}/resume": [{"budget": "5"}],
    "POST /runs/{run_id}/rate": [{"place": "0", "score": "5"}],
    "POST /runs/{run_id}/rater": [{"do": "forget"}],
    "POST /runs/{run_id}/outputs/{result_id}/rating": [{"score": "3", "case": "1"}],
    "POST /runs/{run_id}/tie-break": [{"judge": JUDGE}],
    "POST /runs/{run_id}/tie-break/{tie_break_id}/cancel": [{}],
    "POST /settings/budgets": None,
    "POST /settings/keys": None,
    "POST /settings/keys/{key}/revoke": [{}],
    "POST /settings/limit": None,
    "POST /settings/mail": None,
    "POST /settings/notices/test": None,
    # Of one's own providers alone: the name of another's is none of them.
    "POST /settings/prices": [{"model": "{price}", "input": "1", "output": "1"}],
    "POST /settings/prices/remove": [{"model": "{price}"}],
    "POST /settings/providers": None,
    "POST /settings/providers/{name}/remove": [{}],
    "POST /settings/providers/{name}/test": [{}],
    "POST /settings/rebenchmark": None,
    "POST /settings/webhook": None,
    "POST /settings/webhook/secret": None,
    "POST /skills": None,
    "POST /skills/{skill}/benchmark/again": [{}],
    "POST /skills/{skill}/benchmark/estimate": [{"models": "openai:a", "judge": "default", "version": "{version}"}],
    "POST /skills/{skill}/benchmark/new": [{"models": "openai:a", "judge": "default", "version": "{version}"}],
    "POST /skills/{skill}/cases": [{"do": "add", "input": "How much?", "expected": "5 g"}],
    "POST /skills/{skill}/cases/{case}": [{"do": "save", "input": "How much more?", "expected": "5 g"}],
    "POST /skills/{skill}/cases/{case}/{decision}": [{"why": "No."}],
    "POST /skills/{skill}/delete": [{"name": "{skill}"}],
    "POST /skills/{skill}/details/limit": [{"days": "3"}],
    "POST /skills/{skill}/drafts": [{"model": "openai:a"}],
    "POST /skills/{skill}/examples/{example}": [{"do": "add", "input": "How much?", "expected": "5 g"}],
    "POST /skills/{skill}/examples/{example}/{decision}": [{"why": "No."}],
    "POST /skills/{skill}/family": [{"case": ["{case}", "{proposed}"], "family": "litres"}],
    "POST /skills/{skill}/feedback": [{"kind": "thumb_up"}],
    "POST /skills/{skill}/review": [{"model": "openai:a"}],
    "POST /skills/{skill}/suggestions": [{"title": "Weigh it"}],
    "POST /skills/{skill}/suggestions/{suggestion}": [{"status": "accepted"}],
    "POST /skills/{skill}/versions/draft": [
        {"review": "{review}", "edit": ["0"], "why": "So."},
        {"suggestion": "{suggestion}", "text": "Weigh.", "why": "So."},
    ],
    "POST /skills/{skill}/versions/{version}/current": [{}],
    "POST /skills/{skill}/versions/{version}/discard": [{}],
}

# Bodies of operations that take ids or names of what a tenant has; the others are sent the document's examples.
BODIES: Mapping[str, Sequence[Any]] = {
    "reject_many": [{"items": [{"kind": kind, "id": f"{{{name}}}"} for kind, name in _KINDS.items()], "why": "No."}],
    "create_draft_version": [{"review": "{review}", "places": [0], "why": "So."}],
    # The example's text names another skill, which is refused before anything is looked for.
    "create_version": [{"prompt": "Weigh it anew.", "name": "weigh"}],
    "join_family": [{"cases": ["{case}", "{proposed}"], "family": "litres"}],
    "send_measurements": [
        {"measurements": [{"key": "1", "skill": "weigh", "skill_version": "{version}", "model": "openai:a",
                           "measured_at": "2026-01-01T00:00:00Z", "input_tokens": 1, "output_tokens": 1}]}
    ],
    # The example is of a provider of another kind, for which the key would have to be given anew.
    "set_provider": [{"kind": "anthropic", "key": "sk-0123456789abcdef"}],
    "send_feedback": [{"key": "another", "skill": "{skill}", "kind": "thumb_up"}],
    "start_run": [{"models": ["openai:a"], "judge": "default", "version": "{version}"}],
    "estimate_run": [{"models": ["openai:a"], "judge": "default", "version": "{version}"}],
}  # fmt: skip
_OF_BODIES = frozenset({"skill", "skill_version", "version", "review", "id", "cases"})


def routes() -> dict[str, APIRoute]:
    """Every route that the table of access has, by its line there."""
    found = {
        f"{method} {route.path}": route
        for router in (*ROUTERS, *API_ROUTERS)
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    return {line: found[line] for line in ACCESS}


def query_names(route: APIRoute) -> set[str]:
    """What the route reads of an address's query."""

    def names(dependant: Dependant) -> Iterator[str]:
        yield from (one.alias for one in dependant.query_params)
        for one in dependant.dependencies:
            yield from names(one)

    return set(names(route.dependant))


def asks(line: str, route: APIRoute, theirs: Twin, mine: Twin) -> Iterator[Ask]:
    """Requests of `line` for what is `theirs`, by somebody who has what is `mine`."""
    method, template = line.split(" ")
    paths = list(_paths(template, theirs, mine))
    names = query_names(route)
    needed = {"path": "SKILL.md"} if "path" in names else {}
    if template.endswith("/comparison"):
        needed = {"since": mine.alike.ids["earlier"]}
    if line == "DELETE /v1/providers/{name}/prices":
        needed = {"model": theirs.ids["price"]}
    for path, asks_for in paths:
        for form, body, names_theirs in _contents(line, method, template, theirs):
            if asks_for or names_theirs or method == "GET":
                yield Ask(line, method, path, needed, form=form, body=body)
    if method != "GET":
        return
    own = paths[-1][0]
    for name in sorted(names & _OF_QUERY):
        for value in _of_query(template, name, theirs):
            yield Ask(line, method, own, {**needed, name: value})


def unknown_to_these(line: str, route: APIRoute) -> list[str]:
    """What the route takes that is not known here."""
    method, template = line.split(" ")
    parts = [part.split("}")[0] for part in template.split("{")[1:]]
    known = _PLAIN.keys() | {"skill", "kind", "item", "item_id", "name"} | _PART_NAMES
    found = [f"{{{part}}}" for part in parts if part not in known]
    found += [f"?{name}" for name in query_names(route) - _OF_QUERY - _PLAIN_QUERY]
    if method == "POST" and not template.startswith("/v1/") and line not in FORMS:
        found.append("its form")
    operation = _OPERATIONS.get(line)
    if operation is not None and operation.takes is not None and operation.name not in BODIES:
        found += [f"{name} in its body" for name in _ids_in(_schema(operation))]
    return found


def _paths(template: str, theirs: Twin, mine: Twin) -> Iterator[tuple[str, bool]]:
    """Addresses, and whether they name what is theirs; where it is no parent's, the last one names nothing of it."""
    names = [part.split("}")[0] for part in template.split("{")[1:]]
    parts, own = _parts(theirs), {"skill": mine.alike.name, "run_id": mine.alike.ids["run"]}
    choices: list[list[tuple[str, bool]]] = []
    for name in names:
        if name in _PLAIN:
            choices.append([(value, False) for value in _PLAIN[name]])
        elif name == "kind":
            choices.append([(kind, False) for kind in _KINDS])
        elif name in ("item", "item_id"):
            choices.append([("", True)])
        elif name == "name":
            providers = template.startswith(("/settings/providers/", "/v1/providers/"))
            choices.append([(theirs.ids["provider"], True)] if providers else [("start_run", False)])
        else:
            # Beside something else one address of a parent is enough.
            values = parts[name][:1] if name in _PARENTS and len(names) > 1 else parts[name]
            choices.append([(value, True) for value in values])
            if name in _PARENTS:
                choices[-1].append((own[name], False))
    for chosen in product(*choices):
        path = template
        for name, (value, _) in zip(names, chosen, strict=True):
            if name in ("item", "item_id"):
                kind = next(value for name, (value, _) in zip(names, chosen, strict=True) if name == "kind")
                value = theirs.alike.ids[_KINDS[kind]]
            path = path.replace(f"{{{name}}}", quote(value, safe=""), 1)
        yield path, any(is_theirs for _, is_theirs in chosen)


def _contents(
    line: str, method: str, template: str, theirs: Twin
) -> Iterator[tuple[Mapping[str, str | list[str]] | None, Any, bool]]:
    """Forms and bodies, and whether they name what is theirs."""
    if method == "GET":
        yield None, None, False
        return
    if not template.startswith("/v1/"):
        for form in FORMS[line] or ():
            filled = _filled(form, theirs)
            yield filled, None, filled != form
        return
    operation = _OPERATIONS[line]
    if operation.name in BODIES:
        for body in BODIES[operation.name]:
            filled = _filled(body, theirs)
            yield None, filled, filled != body
    elif operation.takes is None:
        yield None, None if method == "DELETE" else {}, False
    else:
        described = openapi()["paths"][operation.path][operation.method.lower()]["requestBody"]["content"]
        yield None, described["application/json"]["example"], False


def _filled(value: Any, theirs: Twin) -> Any:
    match value:
        case str() if value.endswith("}"):
            start, _, name = value.removesuffix("}").partition("{")
            return start + _named(name, theirs)
        case dict():
            return {key: _filled(one, theirs) for key, one in value.items()}  # pyright: ignore[reportUnknownVariableType]
        case list():
            return [_filled(one, theirs) for one in value]  # pyright: ignore[reportUnknownVariableType]
        case _:
            return value


def _named(name: str, theirs: Twin) -> str:
    match name:
        case "tenant":
            return str(theirs.tenant_id)
        case "skill":
            return theirs.own.name
        case "price":
            return theirs.ids["price"]
        case "version":
            return theirs.own.ids["draft digest"][:12]
        case _:
            return theirs.alike.ids[name]


def _of_query(template: str, name: str, theirs: Twin) -> Values:
    ids = theirs.alike.ids
    match name:
        case "was":
            return [str(theirs.tenant_id)]
        case "a" | "b":
            return [ids["run"]]
        case "actor":
            return [theirs.people[Role.ADMIN].name]
        case "rater":
            return [f"ann-{theirs.word}"]
        case "name" | "of":
            return [theirs.ids["provider"]]
        case "skill":
            return [theirs.own.name, str(theirs.alike.id)]
        case "since" if template.endswith("/comparison"):
            return [ids["earlier"]]
        case "from" | "to" | "since" | "version":
            return [ids["draft digest"][:12]]
        case "before" | "after":
            # What is no place in a list of one's own is refused, or leads to nothing.
            return [ids["example"]]
        case _:
            return [ids[name]]


def _schema(operation: Operation) -> dict[str, Any]:
    content = openapi()["paths"][operation.path][operation.method.lower()]["requestBody"]["content"]
    found: dict[str, Any] = content["application/json"]["schema"]
    return found


def _ids_in(schema: Any, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """Fields of a body that take an id, or are called as one that does."""
    match schema:
        case {"$ref": str(ref)} if ref not in seen:
            name = ref.rsplit("/", 1)[1]
            yield from _ids_in(openapi()["components"]["schemas"][name], seen | {ref})
        case dict():
            for name, one in schema.get("properties", {}).items():  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
                if name in _OF_BODIES or '"uuid"' in json.dumps(one):
                    yield str(name)  # pyright: ignore[reportUnknownArgumentType]
            for one in schema.values():  # pyright: ignore[reportUnknownVariableType]
                yield from _ids_in(one, seen)
        case list():
            for one in schema:  # pyright: ignore[reportUnknownVariableType]
                yield from _ids_in(one, seen)
        case _:
            return


_OPERATIONS = {f"{one.method} {one.path}": one for one in operations()}
_PART_NAMES = frozenset(
    {"run_id", "short:short_id", "case", "case_id", "example", "suggestion", "suggestion_id", "version", "result_id"}
    | {"output_id", "tie_break_id", "review_id", "draft_id", "invitation", "key", "user", "session", "identity"}
    | {"start", "case_start", "cases_of", "invitation_id", "key_id", "user_id"}
)
