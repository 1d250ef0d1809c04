"""A local server that speaks the vendors' wire formats, with latency, faults and scripted replies."""

from tests.modelserver.config import Fault, FaultRates, Reply, ServerConfig
from tests.modelserver.requests import Call
from tests.modelserver.server import ModelServer
from tests.modelserver.stats import Stats

__all__ = ["Call", "Fault", "FaultRates", "ModelServer", "Reply", "ServerConfig", "Stats"]
