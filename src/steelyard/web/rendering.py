"""Templates to responses: whole pages, and fragments of them for htmx."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response

from steelyard.charts import sparkline_of
from steelyard.domain.access import Action, Principal
from steelyard.domain.people import SignedIn
from steelyard.web import filters, links
from steelyard.web.chart_tables import figure_rows, numeric
from steelyard.web.device import device
from steelyard.web.model_names import model_name, short_names
from steelyard.web.security.csrf import set_cookie, token_for
from steelyard.web.static import StaticAssets
from steelyard.web.text.markdown import markdown
from steelyard.web.text.plain import plain

TEMPLATES = Path(__file__).parent / "templates"
THEME_COOKIE = "steelyard_theme"
THEMES = ("light", "dark", "system")


def make_environment(assets: StaticAssets, clock: Callable[[], datetime] | None = None) -> Environment:
    """The templates with their filters; everything is escaped and a name that is missing is an error."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    now = clock or (lambda: datetime.now(UTC))
    environment.filters.update(filters.FILTERS)
    environment.filters["markdown"] = _markdown
    environment.filters["model"] = _model
    environment.filters["device"] = device

    def ago(when: datetime) -> str:
        return filters.relative(when, now())

    environment.filters["ago"] = ago
    own: dict[str, Any] = {
        "numeric": numeric,
        "asset": assets.url,
        "skill_url": links.skill_url,
        "run_url": links.run_url,
        "case_url": links.case_url,
        "with_query": links.with_query,
        "plain_text": plain,
        "short_names": short_names,
        "sparkline_of": sparkline_of,
        "figure_rows": figure_rows,
    }
    environment.globals.update(own)
    return environment


def _markdown(text: str | None) -> Markup:
    rendered = markdown(text or "")
    return rendered.html + Markup("<p>{}</p>").format(rendered.note) if rendered.note else rendered.html


def _model(text: str) -> str:
    return model_name(text).short


def theme_of(request: Request) -> str:
    """light, dark or system (also for a cookie that says anything else)."""
    theme = request.cookies.get(THEME_COOKIE, "")
    return theme if theme in THEMES else "system"


def is_fragment_request(request: Request) -> bool:
    """Whether htmx will put the answer into part of a page without selecting from it."""
    return request.headers.get("hx-request-type") == "partial" and request.headers.get("hx-request") == "true"


class View:
    """Renders for one request."""

    def __init__(self, request: Request) -> None:
        self.request = request

    @property
    def who(self) -> Principal | None:
        """Whoever sent the request; None where that was not found out, as on pages for anybody."""
        return getattr(self.request.state, "principal", None)

    @property
    def signed_in(self) -> SignedIn | None:
        """Whoever has a session; None in local mode, and where that was not found out."""
        return getattr(self.request.state, "signed_in", None)

    def may(self, action: Action | str) -> bool:
        """Whether whoever sent the request is allowed `action`; templates ask it by the action's name, "READ"."""
        named = action if isinstance(action, Action) else Action[action]
        return self.who is not None and self.who.may(named)

    def html(self, template: str, **values: Any) -> Markup:
        """A template as markup, to be put into another or an event."""
        environment: Environment = self.request.app.state.templates
        common = {
            "current_path": self.request.url.path,
            "theme": theme_of(self.request),
            "who": self.who,
            "may": self.may,
            "team": self.request.app.state.team,
            "signed_in": self.signed_in,
            "tenants": getattr(self.request.state, "tenants", ()),
            "csrf_token": token_for(self.request),
            "settings_problem": self.request.app.state.workbench.settings_watch.problem(),
        }
        return Markup(environment.get_template(template).render(**common, **values))  # noqa: S704 - autoescaped

    def page(
        self, template: str, /, status: int = 200, headers: dict[str, str] | None = None, **values: Any
    ) -> Response:
        """A whole page. The template extends `base.html.jinja`."""
        response = HTMLResponse(self.html(template, **values), status, headers)
        set_cookie(self.request, response)
        return response

    # A fragment is a page without the frame: the template decides, the answer is made the same way.
    fragment = page

    def redirect(self, url: str) -> Response:
        """See other: what every successful form answers, so that reloading does not repeat it."""
        response = RedirectResponse(url, 303)
        set_cookie(self.request, response)
        return response


def view(request: Request) -> View:
    return View(request)


Viewing = Annotated[View, Depends(view)]
