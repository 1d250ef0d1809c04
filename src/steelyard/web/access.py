"""What each route asks of whoever sends a request: one line a route, and no route without one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from fastapi import Request
from starlette.routing import Route

from steelyard.api.access import API_ACCESS
from steelyard.domain.access import ROLES, SCOPES, Action, Principal, Role
from steelyard.domain.actors import LOCAL, Actor, ActorKind, acting
from steelyard.domain.errors import Forbidden, NotFound
from steelyard.web.security.address import from_this_machine
from steelyard.web.security.origin import SAFE_METHODS

Identify = Callable[[Request], Awaitable[Principal]]

# Answered to anybody: they tell nothing of a tenant, or go by a secret in their address.
OPEN = frozenset(
    {
        "GET /static/{name}",
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",
        "POST /theme",
        "GET /sign-in",
        "POST /sign-in",
        "GET /setup/{token}",
        "POST /setup/{token}",
        "GET /join/{token}",
        "POST /join/{token}",
        "GET /invitations",
        "POST /invitations",
        "GET /forgotten",
        "POST /forgotten",
        "GET /reset/{token}",
        "POST /reset/{token}",
        "POST /setup/{token}/oidc/{provider}",
        "POST /sign-in/oidc/{provider}",
        "GET /sign-in/oidc/{provider}/callback",
    }
)
# Of those, what a team's server tells to its own machine alone.
_OWN_MACHINE = frozenset({"GET /metrics"})

# About whoever is signed in and nothing of a tenant: a page of any tenant of theirs may send them.
OF_THE_PERSON = frozenset(
    {
        "POST /sign-out",
        "POST /tenant",
        "POST /account/name",
        "POST /account/password",
        "POST /account/oidc/{provider}",
        "POST /account/oidc/{identity}/end",
        "POST /account/sessions/end",
        "POST /account/sessions/{session}/end",
    }
)

ACCESS: Mapping[str, Action] = {
    "GET /": Action.READ,
    "GET /audit": Action.READ_AUDIT,
    "GET /audit.csv": Action.READ_AUDIT,
    "POST /demo": Action.WRITE_SKILLS,
    # These are about whoever asks, and need a session besides: see web/security/own_session.py.
    "POST /sign-out": Action.READ,
    "GET /tenant": Action.READ,
    "POST /tenant": Action.READ,
    "GET /account": Action.READ,
    "GET /account/name": Action.READ,
    "POST /account/name": Action.READ,
    "GET /account/password": Action.READ,
    "POST /account/password": Action.READ,
    "GET /members": Action.MANAGE_MEMBERS,
    "GET /members/invite": Action.MANAGE_MEMBERS,
    "POST /members/invite": Action.MANAGE_MEMBERS,
    "POST /members/invitations/{invitation}/revoke": Action.MANAGE_MEMBERS,
    "POST /members/{user}/role": Action.MANAGE_MEMBERS,
    "POST /members/{user}/remove": Action.MANAGE_MEMBERS,
    "GET /account/oidc": Action.READ,
    "POST /account/oidc/{provider}": Action.READ,
    "POST /account/oidc/{identity}/end": Action.READ,
    "POST /account/sessions/end": Action.READ,
    "POST /account/sessions/{session}/end": Action.READ,
    "GET /models": Action.READ,
    "GET /queue": Action.READ,
    "GET /queue/name": Action.READ,
    "POST /queue/name": Action.DECIDE_CASES,
    "GET /queue/reject": Action.READ,
    "POST /queue/reject": Action.DECIDE_CASES,
    "GET /queue/{kind}/{item}": Action.READ,
    "POST /queue/{kind}/{item}": Action.DECIDE_CASES,
    "GET /runs/{run_id}": Action.READ,
    "GET /runs/{run_id}.json": Action.READ,
    "POST /runs/{run_id}/cancel": Action.RUN,
    "GET /runs/{run_id}/cases/{number}": Action.READ,
    "GET /runs/{run_id}/cases/{number}/outputs/{result_id}": Action.READ,
    "GET /runs/{run_id}/cases/{number}/texts/{part}": Action.READ,
    "GET /runs/{run_id}/cells.csv": Action.READ,
    "GET /runs/{run_id}/events": Action.READ,
    "POST /runs/{run_id}/outputs/{result_id}/rating": Action.RATE,
    "GET /runs/{run_id}/people": Action.READ,
    "GET /runs/{run_id}/people.json": Action.READ,
    "GET /runs/{run_id}/rate": Action.RATE,
    "POST /runs/{run_id}/rate": Action.RATE,
    "POST /runs/{run_id}/rater": Action.RATE,
    "GET /runs/{run_id}/ratings.csv": Action.READ,
    "POST /runs/{run_id}/resume": Action.RUN,
    "GET /runs/{run_id}/tie-break": Action.READ,
    "POST /runs/{run_id}/tie-break": Action.RUN,
    "GET /runs/{run_id}/tie-break/standing": Action.READ,
    "POST /runs/{run_id}/tie-break/{tie_break_id}/cancel": Action.RUN,
    "GET /runs/{short:short_id}": Action.READ,
    "GET /runs/{short:short_id}.json": Action.READ,
    "GET /runs/{short:short_id}/{rest:path}": Action.READ,
    "GET /settings": Action.READ,
    "POST /settings/budgets": Action.SET_BUDGETS,
    "GET /settings/keys": Action.MANAGE_KEYS,
    "POST /settings/keys": Action.MANAGE_KEYS,
    "POST /settings/keys/{key}/revoke": Action.MANAGE_KEYS,
    "POST /settings/limit": Action.SET_STALENESS,
    "POST /settings/mail": Action.SET_STALENESS,
    "POST /settings/notices/test": Action.SET_STALENESS,
    "POST /settings/prices": Action.SET_PROVIDERS,
    "POST /settings/prices/remove": Action.SET_PROVIDERS,
    "GET /settings/providers": Action.SET_PROVIDERS,
    "POST /settings/providers": Action.SET_PROVIDERS,
    "POST /settings/providers/{name}/remove": Action.SET_PROVIDERS,
    "POST /settings/providers/{name}/test": Action.SET_PROVIDERS,
    "POST /settings/rebenchmark": Action.SET_STALENESS,
    "POST /settings/webhook": Action.SET_STALENESS,
    "POST /settings/webhook/secret": Action.SET_STALENESS,
    "GET /skills": Action.READ,
    "POST /skills": Action.WRITE_SKILLS,
    "GET /skills/new": Action.WRITE_SKILLS,
    "GET /skills/{skill}": Action.READ,
    "GET /skills/{skill}/benchmark": Action.READ,
    "GET /skills/{skill}/benchmark/again": Action.READ,
    "POST /skills/{skill}/benchmark/again": Action.RUN,
    "GET /skills/{skill}/benchmark/causes": Action.READ,
    "GET /skills/{skill}/benchmark/change": Action.READ,
    "POST /skills/{skill}/benchmark/estimate": Action.RUN,
    "GET /skills/{skill}/benchmark/models": Action.RUN,
    "GET /skills/{skill}/benchmark/new": Action.RUN,
    "POST /skills/{skill}/benchmark/new": Action.RUN,
    "GET /skills/{skill}/benchmark/production": Action.READ,
    "GET /skills/{skill}/benchmark/production.json": Action.READ,
    "GET /skills/{skill}/benchmark/progress/{run_id}": Action.READ,
    "GET /skills/{skill}/case-history": Action.READ,
    "POST /skills/{skill}/cases": Action.WRITE_CASES,
    "GET /skills/{skill}/cases/new": Action.WRITE_CASES,
    "GET /skills/{skill}/cases/{case}": Action.READ,
    "POST /skills/{skill}/cases/{case}": Action.WRITE_CASES,
    "GET /skills/{skill}/cases/{case}/{decision}": Action.READ,
    "POST /skills/{skill}/cases/{case}/{decision}": Action.DECIDE_CASES,
    "GET /skills/{skill}/charts/cost-trend.{form}": Action.READ,
    "GET /skills/{skill}/charts/quality-cost.{form}": Action.READ,
    "GET /skills/{skill}/compare": Action.READ,
    "GET /skills/{skill}/delete": Action.WRITE_SKILLS,
    "POST /skills/{skill}/delete": Action.WRITE_SKILLS,
    "GET /skills/{skill}/details": Action.READ,
    "POST /skills/{skill}/details/limit": Action.SET_STALENESS,
    "GET /skills/{skill}/drafts": Action.READ,
    "POST /skills/{skill}/drafts": Action.RUN,
    "GET /skills/{skill}/examples/{case}/{decision}": Action.READ,
    "GET /skills/{skill}/examples/{example}": Action.READ,
    "POST /skills/{skill}/examples/{example}": Action.WRITE_CASES,
    "POST /skills/{skill}/examples/{example}/{decision}": Action.DECIDE_CASES,
    "POST /skills/{skill}/family": Action.DECIDE_CASES,
    "GET /skills/{skill}/feedback": Action.READ,
    "POST /skills/{skill}/feedback": Action.GIVE_FEEDBACK,
    "GET /skills/{skill}/health.json": Action.READ,
    "GET /skills/{skill}/review": Action.READ,
    "POST /skills/{skill}/review": Action.RUN,
    "GET /skills/{skill}/runs": Action.READ,
    "GET /skills/{skill}/suggestions": Action.READ,
    "POST /skills/{skill}/suggestions": Action.GIVE_FEEDBACK,
    "POST /skills/{skill}/suggestions/{suggestion}": Action.WRITE_SKILLS,
    "GET /skills/{skill}/versions": Action.READ,
    "GET /skills/{skill}/versions/draft": Action.WRITE_SKILLS,
    "POST /skills/{skill}/versions/draft": Action.WRITE_SKILLS,
    "POST /skills/{skill}/versions/{version}/current": Action.WRITE_SKILLS,
    "POST /skills/{skill}/versions/{version}/discard": Action.WRITE_SKILLS,
    "GET /skills/{skill}/versions/{version}/file": Action.READ,
    "GET /spend": Action.READ,
    "GET /spend.csv": Action.READ,
    **API_ACCESS,
}


def routed(request: Request) -> str:
    """The request's route as the table has it; HEAD is GET."""
    route = request.scope.get("route")
    path = route.path if isinstance(route, Route) else request.url.path
    return f"{'GET' if request.method == 'HEAD' else request.method} {path}"


async def authorise(request: Request) -> None:
    """On every route, before anything of it runs: find out who asks, and whether they may.

    Raises Forbidden, also for a route that the table does not have.
    """
    route = routed(request)
    if route in OPEN:
        if route in _OWN_MACHINE and request.app.state.team and not from_this_machine(request):
            raise NotFound("No page has this address.")
        return
    identify: Identify = request.app.state.identify
    principal = await identify(request)
    request.state.principal = principal
    acting.set(actor_of(principal))
    await request.app.state.workbench.providers.enter(principal.tenant_id)
    action = ACCESS.get(route)
    if action is None or not principal.may(action):
        raise Forbidden(
            _lacking(principal, action),
            kept=None if request.method in SAFE_METHODS else "Nothing was changed.",
            next_step="Ask an admin of this tenant." if principal.key_id is None else _scopes_for(action),
        )


def _lacking(principal: Principal, action: Action | None) -> str:
    """What somebody may not do, and which role may."""
    able = next((role for role in Role if action in ROLES[role]), None)
    if action is None or able is None or principal.user_id is None or principal.role is None:
        return f"That takes the right to {action or 'do this'}, which {principal.name} does not have here."
    return f"You are {_a(principal.role)} here; it takes {_a(able)} to {action.value}."


def _a(role: Role) -> str:
    return f"{'a' if role is Role.VIEWER else 'an'} {role.value}"


def _scopes_for(action: Action | None) -> str:
    able = [scope for scope, actions in SCOPES.items() if action in actions]
    return f"Use a key with the scope {' or '.join(able)}." if able else "No key may do it: a member does."


def actor_of(principal: Principal) -> Actor:
    """On whose behalf a request is served."""
    if principal.user_id is not None:
        return Actor(ActorKind.MEMBER, principal.name, principal.user_id)
    return LOCAL if principal.key_id is None else Actor(ActorKind.KEY, principal.name, principal.key_id)


def owner_of(principal: Principal) -> Identify:
    """Everybody is `principal`: a single-user installation, which serves its own machine alone."""

    async def identify(_: Request) -> Principal:
        return principal

    return identify
