"""Connections to addresses that a tenant gave: only to where the host's name was looked at to lead."""

from __future__ import annotations

import httpx2

from steelyard.domain.reach import Reach
from steelyard.outbound.addresses import AddressRefused, resolve

_MOST_TRIED = 3
_PORTS = {"https": 443, "http": 80}


class OutOfReach(httpx2.UnsupportedProtocol):
    """The host leads to where a tenant's calls may not go, or nowhere. Nothing was sent."""


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Sends each request to an address its host's name was just found to lead to, each of which may be connected to.

    The name is asked for once and the connection made to the answer, so that a second answer cannot lead elsewhere.
    Certificates are still checked against the name. No proxy of the environment is used: it would look names up anew.
    """

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._inner = httpx2.AsyncHTTPTransport(
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=100)
        )
        # What was last connected to: its connections are open, while a name's answers take turns.
        self._last: str | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises OutOfReach and what httpx2 raises."""
        url = request.url
        if url.scheme not in _PORTS or url.userinfo:
            raise OutOfReach("Only http and https without a user are called.", request=request)
        try:
            addresses = await resolve(url.host, url.port or _PORTS[url.scheme], self._reach)
        except AddressRefused as error:
            raise OutOfReach(error.message, request=request) from error
        addresses.sort(key=lambda address: address != self._last)
        request.extensions = {**request.extensions, "sni_hostname": url.host}
        failure: httpx2.TransportError | None = None
        for address in addresses[:_MOST_TRIED]:
            request.url = url.copy_with(host=address)
            try:
                response = await self._inner.handle_async_request(request)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failure = error
            else:
                self._last = address
                return response
        raise failure or OutOfReach("The host's name leads nowhere.", request=request)

    async def aclose(self) -> None:
        """Close its connections."""
        await self._inner.aclose()
