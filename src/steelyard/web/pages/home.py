"""GET /: the list of skills."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from steelyard.web.rendering import Viewing

router = APIRouter()


@router.get("/")
async def home_page(view: Viewing) -> Response:
    return view.page("pages/home.html.jinja")
