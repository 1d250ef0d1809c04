"""What a route asks for: the workbench, and whose data it may see."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from steelyard.workbench import Workbench


def workbench(request: Request) -> Workbench:
    """The process's workbench."""
    found: Workbench = request.app.state.workbench
    return found


def tenant(request: Request) -> UUID:
    """The tenant of the request: in local mode the one there is."""
    return workbench(request).tenant_id


Bench = Annotated[Workbench, Depends(workbench)]
Tenant = Annotated[UUID, Depends(tenant)]
