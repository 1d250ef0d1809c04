"""/sign-in/oidc/{provider}: to an OpenID provider and back, to sign in, set up, or connect one to an account."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import Response

from steelyard.domain.errors import Forbidden, IssuerFailed, SteelyardError
from steelyard.domain.openid import ARRIVAL_LASTS, BEGUN_LASTS, Begun, OpenIdProvider
from steelyard.domain.people import SignedIn
from steelyard.openid.issuer import Arrived
from steelyard.services.openid import Answered
from steelyard.services.openid_people import Entered
from steelyard.services.secret_tokens import hash_of
from steelyard.web.deps import Bench
from steelyard.web.errors import status_of
from steelyard.web.forms import Form, text
from steelyard.web.links import with_query
from steelyard.web.own_paths import own_path
from steelyard.web.rendering import View, Viewing
from steelyard.web.security.address import client_address
from steelyard.web.security.cookies import drop_cookie, put_cookie, read_cookie
from steelyard.web.security.identify import begin_session, signed_in
from steelyard.web.security.own_session import TeamAlone, client_of
from steelyard.workbench import Workbench

router = APIRouter(dependencies=[TeamAlone])

COOKIE = "steelyard_openid"
# Of somebody who came back, belongs nowhere and chooses among invitations.
ARRIVAL = "steelyard_arrival"
INVITATIONS = "/invitations"
NO_STORE = {"cache-control": "no-store"}


def ways(view: View) -> Sequence[OpenIdProvider]:
    """The providers to choose among."""
    bench: Workbench = view.request.app.state.workbench
    return bench.settings.openid


def site_of(request: Request) -> str:
    """Where browsers find this site: the public address, else what the request was sent to, which the guard checked."""
    public: str | None = request.app.state.hosting.public_url
    return public or f"{request.url.scheme}://{request.url.netloc}"


def onward(view: View, what: str, address: str) -> Response:
    """A page from which the browser goes on to an address of another site by itself."""
    host = urlsplit(address).netloc
    return view.page("oidc/onward.html.jinja", headers=NO_STORE, what=what, address=address, host=host)


async def send(request: Request, view: View, bench: Workbench, begun: Begun) -> Response:
    """To the provider that `begun` names, or why not."""
    way = bench.openid.provider(begun.provider)
    try:
        sent = await bench.openid.begin(begun, site=site_of(request), client_address=client_address(request))
    except IssuerFailed as error:
        return refused(view, way, error, await signed_in(request) if begun.session_id else None)
    answer = onward(view, f"On to {way.name}", sent.address)
    put_cookie(request, answer, COOKIE, sent.browser_token, max_age=int(BEGUN_LASTS.total_seconds()))
    return answer


def refused(view: View, way: OpenIdProvider, error: SteelyardError, mine: SignedIn | None = None) -> Response:
    """Why the provider does not let somebody in, or is not connected to the account of `mine`."""
    title = f"{way.name} did not let you in" if mine is None else f"{way.name} is not connected"
    status = status_of(error)
    return view.page("oidc/refused.html.jinja", status=status, headers=NO_STORE, title=title, error=error, mine=mine)


@router.post("/sign-in/oidc/{provider}")
async def begin(request: Request, view: Viewing, bench: Bench, provider: str, form: Form) -> Response:
    return await send(request, view, bench, Begun(provider, leads=own_path(text(form, "next"), "")))


@router.post("/setup/{token}/oidc/{provider}")
async def begin_setup(request: Request, view: Viewing, bench: Bench, token: str, provider: str, form: Form) -> Response:
    await bench.setup.check(token)
    begun = Begun(provider, setup_hash=hash_of(token), tenant_name=text(form, "tenant")[:200])
    return await send(request, view, bench, begun)


@router.get("/sign-in/oidc/{provider}/callback")
async def callback(request: Request, view: Viewing, bench: Bench, provider: str) -> Response:
    """Back from the provider, once. Whoever was not sent from this browser changes nothing here."""
    way, before = bench.openid.provider(provider), await signed_in(request)
    mine: SignedIn | None = None
    try:
        begun, arrived = await bench.openid.finish(
            provider,
            _answered(request),
            browser_token=read_cookie(request, COOKIE),
            site=site_of(request),
            client_address=client_address(request),
        )
        if begun.session_id is not None:
            mine = before
            if before is None or before.session_id != begun.session_id:
                raise Forbidden(
                    "The session in which you began this has ended.",
                    kept="Nothing was connected.",
                    next_step="Sign in, and connect it again.",
                )
            await bench.openid_people.connect(way, arrived.claims, before)
            answer = view.redirect("/account/oidc?connected=1")
        else:
            answer = await _enter(request, view, bench, way, begun, arrived, before)
    except SteelyardError as error:
        answer = refused(view, way, error, mine)
    drop_cookie(request, answer, COOKIE)
    return answer


async def _enter(
    request: Request,
    view: View,
    bench: Workbench,
    way: OpenIdProvider,
    begun: Begun,
    arrived: Arrived,
    before: SignedIn | None,
) -> Response:
    """A new session in place of any there was, whoever's; or the invitations, for who belongs nowhere yet."""
    people = bench.openid_people
    entered = (
        await people.enter(way, arrived.claims)
        if begun.setup_hash is None
        else await people.first_admin(way, arrived.claims, begun.setup_hash, begun.tenant_name)
    )
    if entered is None:
        answer = view.redirect(INVITATIONS)
        token = await bench.openid.note_arrival(way.id, arrived)
        put_cookie(request, answer, ARRIVAL, token, max_age=int(ARRIVAL_LASTS.total_seconds()))
        return answer
    leads = "/" if entered.joined else own_path(begun.leads)
    if entered.vouched is not None and await bench.members.waiting(entered.vouched):
        leads = with_query(INVITATIONS, next=None if leads == "/" else leads)
    return await come_in(request, view, bench, entered, way.id, arrived.id_token, before, leads=leads)


async def come_in(
    request: Request,
    view: View,
    bench: Workbench,
    entered: Entered,
    provider: str,
    id_token: str,
    before: SignedIn | None,
    *,
    leads: str,
) -> Response:
    """A session that came of the provider, in place of the one `before`, and on to `leads`. Raises Forbidden."""
    session = await bench.sign_in.open(entered.proof, entered.tenant_id, client_of(request))
    await bench.openid.note_origin(session, provider, id_token, vouched=entered.vouched is not None)
    if before is not None:
        await bench.sign_in.end(before.user_id, before.session_id)
    answer = view.redirect(leads)
    begin_session(request, answer, session)
    return answer


def _answered(request: Request) -> Answered:
    """The answer in the address; a name that comes twice counts as not there."""

    def one(name: str) -> str:
        given = request.query_params.getlist(name)
        return given[0][:4_000] if len(given) == 1 else ""

    issuer = request.query_params.getlist("iss")
    return Answered(
        one("state"), one("code"), one("error"), one("error_description"), ",".join(issuer) if issuer else None
    )
