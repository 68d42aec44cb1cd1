"""Standard output and error that are closed, broken, or in an encoding that lacks characters: in real processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import COLOURS, draw

GRAFT = (sys.executable, "-m", "graft")


def run(*arguments: object, encoding: str = "utf-8", **options: object) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run([*GRAFT, *map(str, arguments)], env=environment, timeout=120, **options)  # type: ignore[call-overload]


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """Pictures whose classes no Latin encoding has, and a file whose name no terminal should see."""
    for name in ("苹果", "naïve…–"):
        for number in range(4):
            draw(tmp_path / "data" / name / f"{number}.png", COLOURS["plum"], number + len(name) * 10)
    draw(tmp_path / "data" / "苹果" / "a\nb\x1b[31m.png", COLOURS["plum"], 99)
    return tmp_path / "data"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "gbk", "utf-8"])
def test_names_and_lines_are_shown_in_any_encoding(named, encoding):
    result = run("data", named, encoding=encoding)
    assert result.returncode == 0, result.stderr
    shown = result.stdout.decode(encoding)
    assert ("苹果" if encoding in {"gbk", "utf-8"} else r"\u82f9\u679c") in shown
    assert r"a\nb\x1b[31m" in shown
    assert "\x1b" not in shown
    if encoding == "ascii":
        assert "na\\xefve...-" in shown
    result = run("data", named, "--json", encoding=encoding)
    assert result.stdout.isascii()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("arguments", [("--help",), ("fit", "--help"), ("models",), ("data", "nowhere – 苹果")])
def test_help_tables_and_errors_need_no_utf8(arguments, encoding):
    result = run(*arguments, encoding=encoding)
    assert b"UnicodeEncodeError" not in result.stderr + result.stdout
    assert b"Traceback" not in result.stderr
    assert result.returncode == (2 if "nowhere – 苹果" in arguments else 0)


@pytest.mark.skipif(os.name == "nt", reason="another shell")
@pytest.mark.parametrize(
    ("command", "codes"),
    [
        ("{graft} models | true; echo ${{PIPESTATUS[0]}}", {"0", "141"}),
        ("{graft} models --json | true; echo ${{PIPESTATUS[0]}}", {"0", "141"}),
        ("{graft} --help | true; echo ${{PIPESTATUS[0]}}", {"0", "1", "141"}),
        ("{graft} models | head -1 >&2; echo ${{PIPESTATUS[0]}}", {"0", "141"}),
        ("{graft} models >&-; echo $?", {"0"}),
        ("{graft} models --json >&-; echo $?", {"0"}),
        ("{graft} models <&- >&- 2>&-; echo $?", {"0"}),
        ("{graft} data nowhere 2>&-; echo $?", {"2"}),
        ("{graft} data nowhere >&- 2>&-; echo $?", {"2"}),
        ("{graft} data nowhere --json 2>&- > /dev/null; echo $?", {"2"}),
    ],
)
def test_a_stream_that_is_closed_or_not_read_ends_quietly(command, codes):
    graft = f"{sys.executable} -m graft"
    result = subprocess.run(["bash", "-c", command.format(graft=graft)], capture_output=True, text=True, timeout=120)
    assert result.stdout.split()[-1] in codes
    for told in ("Traceback", "Exception ignored", "BrokenPipe", "Errno", "mistake"):
        assert told not in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
@pytest.mark.parametrize("json", [(), ("--json",)])
@pytest.mark.parametrize(("arguments", "code"), [(("models",), 1), (("data", "nowhere"), 2)])
def test_a_full_disk_is_told_and_hides_no_other_error(arguments, code, json):
    with Path("/dev/full").open("wb") as full:
        result = run(*arguments, *json, stdout=full)
    assert result.returncode == code
    assert b"Traceback" not in result.stderr
    told = " ".join(result.stderr.decode().split())
    assert ("nowhere does not exist" if code == 2 else "the disk is full") in told


@pytest.mark.parametrize(
    "arguments", [("data", ""), ("predict", "run", ""), ("fit", "data", "--out", ""), ("fit", "--resume=")]
)
def test_an_empty_argument_is_never_the_current_folder(arguments, tmp_path):
    result = run(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert b"is empty" in result.stderr


def test_a_reader_that_has_gone_is_no_error():
    """As `graft models | head -1` where the pipe is closed before anything is written."""
    read, write = os.pipe()
    os.close(read)
    result = run("models", stdout=write)
    os.close(write)
    assert result.returncode == 141
    assert result.stderr == b""


def test_a_file_that_is_opened_later_never_gets_the_number_of_a_closed_stream():
    code = "import os, sys; from graft.cli import streams; streams.prepare(); "
    code += "print(os.open('/dev/null', 0), file=sys.stderr)"
    result = subprocess.run(
        ["bash", "-c", f'{sys.executable} -c "{code}" <&- >&-'], stderr=subprocess.PIPE, text=True, check=True
    )
    assert int(result.stderr) > 2
