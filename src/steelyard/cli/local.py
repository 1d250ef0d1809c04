"""What the rooms of this machine's desk stand on."""

from __future__ import annotations

from steelyard.workbench import Workbench


class Local:
    """The workbench, and its one tenant."""

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench
        self._tenant = workbench.tenant_id
