"""GET /settings."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from steelyard.web.rendering import Viewing

router = APIRouter()


@router.get("/settings")
async def settings_page(view: Viewing) -> Response:
    return view.page("pages/settings.html.jinja")
