"""Operations of the API: routes that say what they take, answer and refuse, so that the document is made of them."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.responses import JSONResponse, Response

from steelyard.api.away import database_away
from steelyard.api.body import LARGE, MAX_VALUES, json_bytes, refuse_nul
from steelyard.api.misfit import refused
from steelyard.api.once import Answer, once
from steelyard.domain.errors import InputError, NotFound
from steelyard.domain.json_bodies import check_values
from steelyard.workbench import Workbench

M = TypeVar("M", bound=BaseModel)
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Any]])
# What a request that was cut off had made already, as its answer.
Again = Callable[[Workbench, UUID, UUID], Awaitable[BaseModel]]

JSON = "application/json"
_REQUEST = "the_request"
_MODEL_OF: dict[Callable[..., Any], type[BaseModel]] = {}
# Of every operation: a request without a Host of ours, one that is not signed in, one that may not, the database away.
_ALWAYS = frozenset({401, 403, 429, 503})


@dataclass(frozen=True)
class Operation:
    """What the document says of one route beyond its parameters.

    `answers` is None where the answer has no body of ours; `others` are further bodies it takes or answers, by media
    type, and `refuses_as` what it refuses with where that is no problem. `errors` are the statuses it may refuse with,
    `also` those it may answer besides. `once`: it takes an Idempotency-Key.
    """

    name: str
    noun: str
    method: Method
    path: str
    summary: str
    description: str
    route: APIRoute
    answers: type[BaseModel] | None
    status: int
    errors: frozenset[int]
    once: bool = False
    takes: type[BaseModel] | None = None
    takes_others: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    answers_others: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    refuses_as: Mapping[str, Mapping[str, Any]] | None = None
    also: Mapping[int, tuple[str, type[BaseModel] | None]] = field(
        default_factory=dict[int, tuple[str, type[BaseModel] | None]]
    )


class Operations:
    """The operations on one noun, and the router that serves them."""

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self.router = APIRouter()
        self.all: list[Operation] = []

    def __call__(
        self,
        method: Method,
        path: str,
        *,
        answers: type[BaseModel] | None = None,
        status: int = 200,
        errors: tuple[int, ...] = (),
        again: Again | None = None,
        at: str | None = None,
        secret: bool = False,
        **more: Any,
    ) -> Callable[[Handler], Handler]:
        """Serve `method path` by the function below, whose name and docstring the document has.

        The function returns a document, a dict of that form, None, or a whole response. With `again` the operation is
        done once for each Idempotency-Key. `at` is the address of what was made, by fields of the document. With
        `secret` the answer has one that is shown this once: it is not kept, and `again` answers in its place.
        """

        def kept(handler: Handler) -> Handler:
            endpoint = _endpoint(handler, status=status, at=at, again=again, secret=secret)
            name = handler.__name__
            self.router.add_api_route(path, endpoint, methods=[method], name=name, response_model=None)
            route = self.router.routes[-1]
            assert isinstance(route, APIRoute)
            takes = more.pop("takes", None) or next(
                (found for one in route.dependant.dependencies if (found := _MODEL_OF.get(_call(one)))), None
            )
            summary, _, description = inspect.cleandoc(handler.__doc__ or "").partition("\n\n")
            refused = _ALWAYS | {*errors}
            if "{" in path:
                refused |= {404}
            if takes is not None or more.get("takes_others"):
                refused |= {400, 408, 413, 415, 422}
            if route.dependant.query_params or again is not None:
                refused |= {422}
            if again is not None:
                refused |= {409}
            self.all.append(
                Operation(
                    name=name,
                    noun=self.noun,
                    method=method,
                    path=path,
                    summary=" ".join(summary.split()),
                    description=description,
                    route=route,
                    answers=answers,
                    status=status,
                    errors=frozenset(refused),
                    once=again is not None,
                    takes=takes,
                    **more,
                )
            )
            return handler

        return kept


def json_of(model: type[M]) -> Callable[[Request], Awaitable[M]]:
    """A dependency: the request's body as such a document. Raises InvalidForm with every field that is wrong."""

    async def read(request: Request) -> M:
        optional = not any(one.is_required() for one in model.model_fields.values())
        if optional and not await request.body():
            return model()
        async with json_bytes(request) as data:
            return await asyncio.to_thread(_read, model, data) if len(data) > LARGE else _read(model, data)

    note_model(read, model)
    return read


def _read(model: type[M], data: bytes) -> M:
    refuse_nul(data)
    check_values(data, MAX_VALUES)
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        raise refused(error, model, data) from None


def note_model(dependency: Callable[..., Any], model: type[BaseModel]) -> None:
    """Let the document say that operations with this dependency take such a body."""
    _MODEL_OF[dependency] = model


def _call(dependant: Any) -> Callable[..., Any]:
    return cast("Callable[..., Any]", dependant.call)


def _endpoint(
    handler: Callable[..., Awaitable[Any]], *, status: int, at: str | None, again: Again | None, secret: bool
) -> Callable[..., Awaitable[Response]]:
    taken = inspect.signature(handler).parameters
    # FastAPI fills in one request: the handler's own where it has one.
    own = next((name for name, one in taken.items() if one.annotation in (Request, "Request")), None)

    async def answer(given: Mapping[str, Any]) -> Answer | Response:
        with database_away():
            return _answer(await handler(**given), status, at)

    @functools.wraps(handler)
    async def endpoint(**given: Any) -> Response:
        request: Request = given.pop(_REQUEST) if own is None else given[own]
        _refuse_nul(request)
        if again is None:
            found = await answer(given)
            return found if isinstance(found, Response) else found.response()
        remake = again

        async def make() -> Answer:
            made = await answer(given)
            assert isinstance(made, Answer)
            return made

        async def made_before(bench: Workbench, tenant_id: UUID, made_id: UUID) -> Answer:
            return _answer(await remake(bench, tenant_id, made_id), status, at)

        response = await once(request, make, made_before, keep=not secret)
        if secret:
            response.headers["cache-control"] = "no-store"
        return response

    keywords = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in taken.values()]
    if own is None:
        keywords.append(inspect.Parameter(_REQUEST, inspect.Parameter.KEYWORD_ONLY, annotation=Request))
    endpoint.__signature__ = inspect.Signature(keywords)  # pyright: ignore[reportAttributeAccessIssue]
    return endpoint


def _answer(found: Any, status: int, at: str | None) -> Any:
    match found:
        case Response():
            return found
        case None:
            return Answer(204 if status == 200 else status, b"", None)
        case BaseModel():
            location = None if at is None else at.format(**found.model_dump(mode="json"))
            return Answer(status, found.model_dump_json().encode(), location)
        case _:
            return Answer(status, bytes(JSONResponse(found).body), None)


def _refuse_nul(request: Request) -> None:
    """PostgreSQL keeps no NUL: nothing has one in its name. Raises NotFound, InputError."""
    if any("\x00" in str(value) for value in request.path_params.values()):
        raise NotFound("There is nothing of that name.")
    named = next((name for name, value in request.query_params.multi_items() if "\x00" in name + value), None)
    if named is not None:
        field = named.replace("\x00", "")
        raise InputError("The address has a NUL character, which no value can have.", field=field or None)
