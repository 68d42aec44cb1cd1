"""No outside request, no telemetry: every command, in processes in which the network is closed and watched."""

import shutil
import sys
from pathlib import Path

import pytest

from conftest import NETWORKS, pictures, sounds, texts

sys.path.insert(0, str(Path(__file__).parent / "outside"))
from watched import commands, watch

TINY = NETWORKS["image"]


def check(program: str, folder: Path) -> None:
    """The program succeeds, sends nothing, and leaves nothing outside its run, cache and history."""
    seen = watch(program, folder)
    assert (seen.sent, seen.left) == ([], [])
    assert seen.code == 0, seen.output[-3000:]


def test_pictures_from_fit_to_an_exported_answer(tmp_path):
    data = pictures(tmp_path / "work" / "photos")
    picture = str(data / "plum" / "0.png")
    lines = [
        ["data", "photos"],
        ["fit", "photos", "--backbone", TINY, "--effort", "quick"],
        ["evaluate", "runs/photos"],
        ["predict", "runs/photos", picture],
        ["export", "runs/photos", "--to", "onnx"],
        ["predict", "runs/photos/export/onnx-fp32", picture],
        ["embed", "photos", "--to", "runs/features.npz", "--backbone", TINY],
        ["search", "runs/photos", picture, "--page", "runs/page.html"],
        ["history"],
        ["cache"],
    ]
    check(commands(*lines), tmp_path)
    assert {path.name for path in (tmp_path / "work").iterdir()} == {"photos", "runs"}


@pytest.mark.slow
def test_the_other_commands_on_pictures(tmp_path):
    data = pictures(tmp_path / "work" / "photos", each=140)  # an audit judges by 50 test pictures at least
    picture = str(data / "plum" / "0.png")
    check(
        commands(
            ["rank", "photos", "--backbone", TINY, "--backbone", "wheel:efficientnet_lite0"],
            ["models"],
            [
                "pretrain",
                "photos",
                "--arch",
                "timm:test_efficientnet",
                "--epochs",
                "1",
                "--side",
                "32",
                "--out",
                "runs/own",
            ],
            ["fit", "photos", "--backbone", TINY, "--effort", "best", "--minutes", "0.3"],
            ["audit", "runs/photos"],
            ["export", "runs/photos", "--to", "openvino", "--variant", "all"],
            ["export", "runs/photos", "--to", "executorch"],
            ["export", "runs/photos", "--to", "coreml"],
            ["export", "runs/photos", "--to", "app"],
            ["predict", "runs/photos/export/openvino-fp16", picture],
            ["predict", "runs/photos/export/executorch-fp32", picture],
            ["predict", "runs/photos", "photos", "--json"],
            ["embed", "photos", "--to", "features.parquet", "--backbone", "run:runs/photos"],
            ["search", "photos", picture, "--json"],
        ),
        tmp_path,
    )


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "make"), [("text", texts), ("audio", sounds)])
def test_texts_and_sounds(kind, make, tmp_path):
    (tmp_path / "work").mkdir()
    data = make(tmp_path / "work" / "samples")
    lines = [
        ["fit", str(data), "--backbone", NETWORKS[kind], "--out", "run", "--effort", "good", "--minutes", "0.5"],
        ["evaluate", "run"],
        ["predict", "run", str(data)],
        ["export", "run", "--to", "onnx", "--variant", "all"],
        ["predict", "run/export/onnx-fp16", str(data)],
    ]
    check(commands(*lines), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["", "--text", "--audio"])
def test_the_demonstrations(kind, tmp_path):
    check(commands(["demo", *filter(None, [kind])]), tmp_path)


HOST = """
import os, signal, threading
from graft.cli import main
threading.Timer(3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
main(["serve", {app!r}, "--port", "0", "--no-network"])
"""


@pytest.mark.slow
def test_hosting_an_app_on_this_machine(run_of_a_kind, tmp_path):
    shutil.copytree(run_of_a_kind, tmp_path / "run")
    check(commands(["export", str(tmp_path / "run"), "--to", "app"]), tmp_path)
    check(HOST.format(app=str(tmp_path / "run" / "export" / "app")), tmp_path)


def test_a_report_that_is_let_through_is_seen(tmp_path):
    seen = watch("import openvino, openvino_telemetry, time; time.sleep(1)", tmp_path)
    assert any("google-analytics" in one for one in seen.sent), seen.output
    assert any("openvino_ga_cid" in one for one in seen.left)


def test_compiled_code_is_watched_too(tmp_path):
    program = (
        "import ctypes; ctypes.CDLL(None).getaddrinfo(b'events.example', b'443', None, ctypes.byref(ctypes.c_void_p()))"
    )
    assert any("events.example" in one for one in watch(program, tmp_path).sent)
