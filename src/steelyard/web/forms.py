"""Reading what a form sent: parsed once per request, under limits, as text and files."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from steelyard.domain.errors import InputError, TooLarge

MAX_FILES = 5_000
MAX_FIELDS = 2_000
MAX_FIELD_BYTES = 5_000_000
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


async def read_form(request: Request) -> FormData:
    """The request's form; the same object each time. Raises InputError (TooLarge) when it cannot be parsed."""
    kept: FormData | None = getattr(request.state, "form", None)
    if kept is not None:
        return kept
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _FORMS:
        form = FormData()
    else:
        try:
            form = await request.form(
                max_files=MAX_FILES, max_fields=MAX_FIELDS + MAX_FILES, max_part_size=MAX_FIELD_BYTES
            )
        except HTTPException as error:
            detail = str(error.detail)
            if "maximum size" in detail:
                raise TooLarge(
                    f"A text of the form is longer than the {MAX_FIELD_BYTES / 1e6:g} MB that one may have.",
                    kept="Nothing was changed.",
                    next_step="Go back in the browser, where what you typed still is, and shorten it.",
                ) from None
            if "Too many" in detail or "exceeded" in detail:
                raise TooLarge(
                    f"The form holds too much: {detail.rstrip('.')}.",
                    kept="Nothing was changed.",
                    next_step=f"At most {MAX_FILES:,} files are taken at once; a zip file has the same bounds.",
                ) from None
            raise InputError(
                "The form could not be read.", kept="Nothing was changed.", next_step="Load the page again."
            ) from None
    request.state.form = form
    return form


Form = Annotated[FormData, Depends(read_form)]


def text(form: FormData, name: str, default: str = "") -> str:
    """The field's first value, with line ends as \\n and without NUL; `default` when it is missing or a file."""
    value = form.get(name)
    if not isinstance(value, str):
        return default
    return value.replace("\r\n", "\n").replace("\x00", "")


def texts(form: FormData, name: str) -> list[str]:
    """All values of a field, in order."""
    return [value for value in form.getlist(name) if isinstance(value, str)]


def files(form: FormData, name: str) -> list[UploadFile]:
    """The files of a field; an empty file input gives none."""
    found = [value for value in form.getlist(name) if isinstance(value, UploadFile)]
    return [file for file in found if file.filename or file.size]
