"""The built assets: hashed names looked up by plain ones, served from memory and cached for ever."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from starlette.requests import Request
from starlette.responses import Response

from steelyard.domain.errors import NotFound, SteelyardError

DIST = Path(__file__).parent / "static" / "dist"
URL = "/static/"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_HEADERS = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}


@dataclass(frozen=True)
class _File:
    data: bytes
    gzipped: bytes
    media_type: str


class StaticAssets:
    """Everything in `static/dist`, read once."""

    def __init__(self, dist: Path = DIST) -> None:
        """Raises SteelyardError when the assets have not been made."""
        try:
            self._names: dict[str, str] = json.loads((dist / "manifest.json").read_text(encoding="utf-8"))
        except OSError:
            raise SteelyardError(
                "The web application's stylesheet and script have not been made.",
                next_step="Run `make assets`, or install the package again.",
            ) from None
        self._files = {
            name: _File(
                (dist / name).read_bytes(), (dist / f"{name}.gz").read_bytes(), _TYPES[PurePosixPath(name).suffix]
            )
            for name in self._names.values()
        }

    def url(self, name: str) -> str:
        """The address of an asset by its plain name. KeyError for one that was not built."""
        return URL + self._names[name]

    def respond(self, request: Request, name: str) -> Response:
        """The asset of that hashed name. Raises NotFound."""
        file = self._files.get(name)
        if file is None:
            raise NotFound("There is no such file.", next_step="Load the page again: it may be of an older version.")
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(file.gzipped, headers={**_HEADERS, "content-encoding": "gzip"}, media_type=file.media_type)
        return Response(file.data, headers=_HEADERS, media_type=file.media_type)
