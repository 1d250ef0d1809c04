"""A real OpenID provider as a process of this machine: `oidc-provider` of the npm registry, by a lock of ours."""

from __future__ import annotations

import fcntl
import html
import json
import re
import shutil
import socket
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

CLIENT_SECRET = "a secret: of the client + test"
_HERE = Path(__file__).parent
_BUILD = _HERE.parents[1] / "build" / "openid"
_FILES = ("package.json", "package-lock.json", "provider.mjs")


@dataclass(frozen=True)
class Provider:
    """The provider at `issuer`."""

    issuer: str

    def behave(self, mode: str = "") -> None:
        """From now on it answers as `mode` of provider.mjs says; as it should by default."""
        assert httpx.get(f"{self.issuer}/test", params={"mode": mode}).text == "so be it"

    def log_in(self, address: str, login: str) -> str:
        """The address that the provider sends a browser back to, once `login` has signed in there."""
        with httpx.Client(timeout=20) as browser:
            url = address
            for _ in range(12):
                answer = browser.get(url)
                if answer.is_redirect:
                    url = urljoin(url, answer.headers["location"])
                    if not url.startswith(self.issuer):
                        return url
                    continue
                form = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
                assert form is not None, answer.text
                data = {"prompt": "login", "login": login, "password": "any"}
                sent = browser.post(urljoin(url, html.unescape(form[1])), data=data)
                url = urljoin(url, sent.headers["location"])
        raise AssertionError(f"still at {url}")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@contextmanager
def running(port: int, sites: Sequence[str]) -> Generator[Provider]:
    """A provider for the client `steelyard` at each of `sites`. Skips the test where it cannot be installed."""
    folder = _installed()
    node = shutil.which("node")
    assert node is not None
    process = subprocess.Popen(
        [node, "provider.mjs", str(port), json.dumps(list(sites))],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "listening", "the provider did not start"
        yield Provider(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.communicate()


def _installed() -> Path:
    """The folder with its packages, made anew when the lock has changed; of two at once one alone makes it."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("There is no Node.js with npm on this machine, which the OpenID provider of the tests needs.")
    _BUILD.mkdir(parents=True, exist_ok=True)
    with (_BUILD / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done, wanted = _BUILD / "installed", (_HERE / "package-lock.json").read_text()
        for name in _FILES:
            shutil.copyfile(_HERE / name, _BUILD / name)
        if not done.exists() or done.read_text() != wanted:
            made = subprocess.run(
                ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
                cwd=_BUILD,
                capture_output=True,
                text=True,
                timeout=240,
                check=False,
            )
            if made.returncode != 0:
                pytest.skip(f"npm cannot install the OpenID provider of the tests: {made.stderr.strip()[-300:]}")
            done.write_text(wanted)
    return _BUILD
