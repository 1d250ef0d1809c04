"""The PostgreSQL that comes with Steelyard: started on first use, shared by all processes of one home."""

from steelyard.storage.embedded.status import Problem, ServerStatus, status
from steelyard.storage.embedded.supervisor import Endpoint, ensure_running, remove, revive, stop

__all__ = ["Endpoint", "Problem", "ServerStatus", "ensure_running", "remove", "revive", "status", "stop"]
