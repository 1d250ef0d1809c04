"""The socket the site is served on."""

from __future__ import annotations

import asyncio
import socket

from steelyard.web.listening import bound


async def test_an_answer_in_several_writes_is_not_held_back_by_the_kernel() -> None:
    told: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted = writer.get_extra_info("socket")
        told.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    with bound("127.0.0.1", 0) as listening:
        server = await asyncio.start_server(answer, sock=listening)
        async with server:
            _, writer = await asyncio.open_connection(*listening.getsockname())
            assert await asyncio.wait_for(told, 5) != 0
            writer.close()
