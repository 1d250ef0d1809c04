"""What a route asks for: the workbench, who sent the request, and whose data that is about."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from steelyard.api.principal import principal_of, tenant_of
from steelyard.domain.access import Principal
from steelyard.workbench import Workbench


def workbench(request: Request) -> Workbench:
    """The process's workbench."""
    found: Workbench = request.app.state.workbench
    return found


Bench = Annotated[Workbench, Depends(workbench)]
Tenant = Annotated[UUID, Depends(tenant_of)]
Who = Annotated[Principal, Depends(principal_of)]
