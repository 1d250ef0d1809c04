"""`make screenshots`: every page of the web application in both themes, into docs/screenshots (about two minutes)."""

from __future__ import annotations

import argparse
import asyncio
import base64
import shutil
import sys
import tempfile
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.screenshots.addresses import addresses, of_team
from benchmarks.screenshots.png import palette_png
from benchmarks.site import (
    OPTIONS,
    add_skill,
    chromium,
    fill,
    of_model_server,
    send,
    serving,
    start_run,
    temporary_home,
)
from benchmarks.users.people import make_people
from benchmarks.workload import ROOT, model_server, write_skill
from steelyard.domain.access import Role
from steelyard.web.security.identify import COOKIE

FOLDER = ROOT / "docs/screenshots"
WIDE, NARROW = 1280, 360
# A picture ends here, in CSS pixels; what lies below it on a page is more of the same.
TALLEST = 2_600
LIVE_SKILL = "parcel-weigher"

# Whatever blinks or moves would make each picture another.
_STILL = "*, *::before, *::after { animation: none !important; transition: none !important; caret-color: transparent }"
_PIXELS = """async data => {
  const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
  canvas.drawImage(bitmap, 0, 0);
  const bytes = new Uint8Array(canvas.getImageData(0, 0, bitmap.width, bitmap.height).data.buffer);
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return [bitmap.width, bitmap.height, btoa(text)];
}"""

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")


@dataclass(frozen=True)
class Camera:
    """Takes pictures in one browser; `darkroom` is an empty page in which PNGs are decoded."""

    browser: Browser
    darkroom: Page
    only: frozenset[str]

    def wants(self, *names: str) -> bool:
        return not self.only or bool(self.only.intersection(names))

    @contextmanager
    def page(self, theme: Theme, width: int = WIDE, session: str | None = None) -> Generator[Page]:
        with self.browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=theme,
            reduced_motion="reduce",
            timezone_id="UTC",
            locale="en-US",
        ) as context:
            if session is not None:
                context.add_cookies([{"name": COOKIE, "value": session, "domain": "127.0.0.1", "path": "/"}])
            yield context.new_page()

    def take(self, page: Page, name: str) -> None:
        page.evaluate("document.fonts.ready")
        page.mouse.move(0, 0)
        size = page.viewport_size
        assert size is not None
        tall = min(TALLEST, page.evaluate("document.documentElement.scrollHeight"))
        raw = page.screenshot(
            full_page=True,
            clip={"x": 0, "y": 0, "width": size["width"], "height": tall},
            animations="disabled",
            style=_STILL,
        )
        width, height, text = self.darkroom.evaluate(_PIXELS, base64.b64encode(raw).decode())
        pixels = np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)[:, :, :3]
        made = palette_png(pixels)
        (FOLDER / f"{name}.png").write_bytes(made if len(made) < len(raw) else raw)
        print(f"{name}: {min(len(made), len(raw)) / 1000:.0f} kB", flush=True)

    def visit(self, name: str, address: str, width: int = WIDE, session: str | None = None) -> None:
        for theme in THEMES:
            with self.page(theme, width, session) as page:
                answer = page.goto(address)
                assert answer is not None
                if (answer.status == 404) != (name == "not-found"):
                    print(f"{name}: passed over, for it answered {answer.status}", flush=True)
                    return
                page.wait_for_load_state("networkidle")
                self.take(page, f"{name}-{theme}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.screenshots", description=__doc__)
    parser.add_argument("pages", nargs="*", metavar="page", help="names of pages, as of the files; all unless given")
    only = frozenset(parser.parse_args().pages)
    browser_path = chromium()
    if browser_path is None:
        print("There is no Chromium or Chrome on this machine.", file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(
            executable_path=browser_path, args=[*OPTIONS, "--font-render-hinting=none"]
        )
        stack.callback(browser.close)
        camera = Camera(browser, browser.new_page(), only)
        models = stack.enter_context(model_server(0.6))
        home = stack.enter_context(temporary_home())
        if camera.wants("first-run"):
            with serving(home) as site:
                camera.visit("first-run", site)
        fill(home)
        (home / "settings.toml").write_text(f'[providers.workshop]\nkind = "openai"\nbase_url = "{models}/v1"\n')
        configured = of_model_server(models) | {"GEMINI_API_KEY": "never sent"}
        site = stack.enter_context(serving(home, "--concurrency", "4", env=configured))
        for name, path in addresses(site).items():
            if camera.wants(name):
                if name == "settings-providers":
                    _own_provider(site, path)
                camera.visit(name, site + path)
        if camera.wants("benchmark-narrow"):
            camera.visit("benchmark-narrow", site + addresses(site)["benchmark"], NARROW)
        if camera.wants("run-live"):
            _live(camera, site)
        if camera.wants("sign-in", *of_team()):
            _team(camera, home, configured)
    return 0


def _own_provider(site: str, page: str) -> None:
    """A provider of one's own with prices, which nothing calls."""
    address = {"kind": "openai-compatible", "base_url": "https://models.example/v1", "key": "sk-0123456789abcdefwxyz"}
    send(site, page, page, {"name": "foundry", **address})
    for since, price in (("2026-01-31", "0.25"), ("", "0.2")):
        prices = {"input": price, "output": "0.6", "cache_read": "0.02", "cache_write": ""}
        send(site, page, "/settings/prices", {"model": "foundry:brass-7b", "since": since, **prices})


def _team(camera: Camera, home: Path, env: dict[str, str]) -> None:
    """The same home where people sign in, as an admin of ten members sees it."""
    # Aside, for the browser's driver keeps an event loop running in this thread.
    with ThreadPoolExecutor(1) as aside:
        people = aside.submit(lambda: asyncio.run(make_people(home, 10))).result()
    admin = next(person for person in people if person.role is Role.ADMIN)
    with serving(home, "--no-worker", env=env | {"STEELYARD_MODE": "team"}) as site:
        if camera.wants("sign-in"):
            camera.visit("sign-in", f"{site}/sign-in")
        for name, path in of_team().items():
            if camera.wants(name):
                camera.visit(name, site + path, session=admin.token)


def _live(camera: Camera, site: str) -> None:
    """A run on its way, in each theme a stretch of its own: asked for again, it goes on from where it was cancelled."""
    folder = Path(tempfile.mkdtemp())
    add_skill(site, write_skill(folder / LIVE_SKILL, 48))
    shutil.rmtree(folder)
    names = ("anthropic:claude-sonnet-5", "openai:gpt-5.4-mini", "openai:gpt-4.1-mini")
    for theme, cells in zip(THEMES, (24, 60), strict=True):
        run = start_run(site, LIVE_SKILL, names, judge="anthropic:claude-opus-5", fresh="1", budget="2")
        with camera.page(theme) as page:
            page.goto(site + run)
            page.wait_for_function(
                "cells => document.querySelector('#live .live-bar')?.value >= cells", arg=cells, timeout=90_000
            )
            page.reload()
            camera.take(page, f"run-live-{theme}")
            page.get_by_text("Cancel the run").click()
            page.get_by_role("button", name="Cancel it").click()
            expect(page.locator("#live")).to_have_count(0, timeout=60_000)


if __name__ == "__main__":
    sys.exit(main())
