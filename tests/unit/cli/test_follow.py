"""An interrupt while a run is being made: the run is made whole, and then not begun."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from steelyard.cli.follow import whole
from steelyard.cli.terminal import Terminal


@pytest.mark.parametrize("pressed", [False, True])
def test_what_saves_a_run_comes_to_its_end_and_the_interrupt_is_heard(pressed: bool) -> None:
    async def saving() -> str:
        if pressed:
            os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.05)
        return "saved"

    assert asyncio.run(whole(saving(), Terminal())) == ("saved", pressed)


def test_after_it_an_interrupt_ends_the_command_again() -> None:
    async def saving() -> None:
        await asyncio.sleep(0)

    async def command() -> None:
        await whole(saving(), Terminal())
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(5)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(command())
