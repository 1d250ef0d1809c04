"""The application: guards, pages and error pages put together around one workbench."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping

from fastapi import Depends, FastAPI, Request
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response

from steelyard.api import nouns, probes
from steelyard.domain.access import Principal
from steelyard.domain.hosting import Hosting, Mode
from steelyard.web import errors
from steelyard.web.access import authorise, owner_of
from steelyard.web.heads import HeadAsGet
from steelyard.web.observed import Observed
from steelyard.web.pages import (
    account,
    add,
    api_docs,
    audit,
    compare,
    forgotten,
    home,
    invitations,
    join,
    members,
    models,
    oidc,
    oidc_account,
    queue,
    rate,
    run,
    run_case,
    run_form,
    run_short,
    run_tie_break,
    settings,
    settings_keys,
    settings_notices,
    settings_providers,
    setup,
    sign_in,
    skill_again,
    skill_benchmark,
    skill_case_history,
    skill_cases,
    skill_charts,
    skill_delete,
    skill_details,
    skill_draft_version,
    skill_drafts,
    skill_feedback,
    skill_health,
    skill_production,
    skill_review,
    skill_stale,
    skill_suggestions,
    skill_versions,
    spend,
    theme,
)
from steelyard.web.rendering import make_environment
from steelyard.web.security.bearer import KeyDoor
from steelyard.web.security.body import BodyLimit
from steelyard.web.security.csrf import Csrf, check_csrf
from steelyard.web.security.headers import SecurityHeaders
from steelyard.web.security.hosts import LOOPBACK, HostGuard
from steelyard.web.security.identify import identify_by, read_session
from steelyard.web.security.keyfile import shared_key
from steelyard.web.security.limits import RateLimitHeaders
from steelyard.web.security.origin import OriginGuard
from steelyard.web.static import StaticAssets
from steelyard.workbench import Workbench

# Pages become a tenth; higher levels take twice the time for a tenth less.
GZIP_LEVEL = 4

# One line per page module, by name; the start of an id comes before what would refuse it for no id.
ROUTERS = (
    run_short.router,
    account.router,
    add.router,
    api_docs.router,
    audit.router,
    compare.router,
    forgotten.router,
    home.router,
    invitations.router,
    join.router,
    members.router,
    models.router,
    oidc.router,
    oidc_account.router,
    queue.router,
    rate.router,
    run.router,
    run_case.router,
    run_form.router,
    run_tie_break.router,
    settings.router,
    settings_keys.router,
    settings_notices.router,
    settings_providers.router,
    setup.router,
    sign_in.router,
    skill_again.router,
    skill_benchmark.router,
    skill_case_history.router,
    skill_cases.router,
    skill_charts.router,
    skill_delete.router,
    skill_details.router,
    skill_draft_version.router,
    skill_drafts.router,
    skill_feedback.router,
    skill_health.router,
    skill_production.router,
    skill_review.router,
    skill_stale.router,
    skill_suggestions.router,
    skill_versions.router,
    spend.router,
    theme.router,
)


def create_app(workbench: Workbench, *, team: bool | None = None, hosts: Collection[str] = ()) -> FastAPI:
    """The site over an open workbench, which outlives it. Raises SteelyardError when assets or key are missing.

    In `team` mode (by default as the settings say) people sign in, and the site answers at its public address, at
    `hosts` and, without a public address, at any IP address; else it answers at this machine's own names alone.
    """
    told = workbench.settings.hosting
    team = told.mode is Mode.TEAM if team is None else team
    hosting = told if team else Hosting()
    app = FastAPI(
        title="Steelyard",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(authorise), Depends(check_csrf)],
    )
    assets = StaticAssets()
    app.state.workbench = workbench
    app.state.team = team
    app.state.hosting = hosting
    app.state.keys = KeyDoor(workbench.api_keys)
    # What a request may be recognised by, in this order.
    app.state.credentials = [app.state.keys.read, read_session]
    app.state.identify = (
        identify_by(app.state.credentials)
        if team
        else app.state.keys.before(owner_of(Principal.owner(workbench.tenant_id)))
    )
    app.state.csrf = Csrf(shared_key(workbench.home))
    app.state.links = _one_time_links(workbench) if team else {}
    app.state.templates = make_environment(assets)
    errors.install(app)
    # The last added is the outermost.
    app.add_middleware(errors.Faults)
    # A page's token has a salt of its own, so that the lengths of pages say nothing of it. Streams stay as they are.
    app.add_middleware(GZipMiddleware, compresslevel=GZIP_LEVEL)
    app.add_middleware(BodyLimit, refuse=errors.answer)
    app.add_middleware(OriginGuard, refuse=errors.answer)
    app.add_middleware(
        HostGuard,
        refuse=errors.answer,
        allowed=LOOPBACK | {hosting.host or "localhost", *hosts} if team else LOOPBACK,
        open_paths=probes.ANY_HOST,
        addresses=team and hosting.public_url is None,
        **({} if hosting.public_url is None else {"told": f"Open {hosting.public_url}."}),
    )
    app.add_middleware(RateLimitHeaders)
    app.add_middleware(SecurityHeaders, tls=hosting.secure, team=team)
    app.add_middleware(Observed, metrics=workbench.metrics)
    app.add_middleware(HeadAsGet)

    @app.get("/static/{name}")
    async def static(request: Request, name: str) -> Response:
        return assets.respond(request, name)

    for router in (*ROUTERS, *nouns.ROUTERS):
        app.include_router(router)
    return app


def _one_time_links(workbench: Workbench) -> Mapping[str, Callable[[str], Awaitable[object]]]:
    """What says of a link's token that it is good, and raises NotFound where it is not (any more), by route."""
    return {
        "POST /join/{token}": workbench.members.invited,
        "POST /reset/{token}": workbench.accounts.check_reset,
        "POST /setup/{token}": workbench.setup.check,
        "POST /setup/{token}/oidc/{provider}": workbench.setup.check,
    }
