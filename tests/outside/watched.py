"""Programs run where the network is closed and watched, with a home folder of their own."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
HIDDEN = {
    "CI",
    "GITHUB_ACTIONS",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "ORT_DISABLE_TELEMETRY",
    "HF_HOME",
    "HF_HUB_OFFLINE",
}


@dataclass(frozen=True)
class Watched:
    """What a program did: its exit code, what it tried to send, and the files that it left in `home` and `scratch`."""

    code: int
    output: str
    sent: list[str]
    left: list[str]


def preloaded(folder: Path) -> Path:
    """The library that stands before the system's functions of the network."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or compiler is None:
        reason = "compiled code is watched on Linux alone, with a C compiler"
        pytest.fail(reason) if os.environ.get("GRAFT_REQUIRE_DATA") else pytest.skip(reason)
    library = folder / "watched.so"
    if not library.exists():
        subprocess.run([str(compiler), "-shared", "-fPIC", "-o", library, HERE / "watched.c", "-ldl"], check=True)
    return library


def watch(program: str, folder: Path, seconds: int = 280) -> Watched:
    """Run a Python program in `folder`/work."""
    home, scratch, work, log = (folder / name for name in ("home", "scratch", "work", "sent.log"))
    for one in (home, scratch, work):
        one.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if name not in HIDDEN}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=work,
        env={
            **kept,
            "HOME": str(home),
            "TMPDIR": str(scratch),
            "GRAFT_CACHE": os.environ["GRAFT_CACHE"],
            "GRAFT_HISTORY": str(folder / "history" / "history.json"),
            "OUTSIDE_LOG": str(log),
            "LD_PRELOAD": str(preloaded(folder)),
            "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
    left = [str(path.relative_to(folder)) for one in (home, scratch) for path in one.rglob("*") if path.is_file()]
    return Watched(done.returncode, done.stdout, log.read_text().splitlines() if log.exists() else [], left)


def commands(*lines: list[str]) -> str:
    """A program that types these commands one after another in one process, and ends with the first that fails."""
    return f"""
import sys
from graft.cli import main
for line in {list(lines)!r}:
    print("$ graft", *line, flush=True)
    try:
        main(line)
    except SystemExit as end:
        if end.code:
            sys.exit(end.code)
"""
