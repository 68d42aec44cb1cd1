import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import COLOURS, NETWORKS, draw
from graft.cli import main


def graft(*arguments: object, capsys) -> tuple[int, str, str]:
    """Run a command in this process: exit code, stdout, stderr."""
    capsys.readouterr()
    before = sys.argv
    sys.argv = ["graft", *map(str, arguments)]
    try:
        main([str(argument) for argument in arguments])
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0
    finally:
        sys.argv = before
    said = capsys.readouterr()
    return code, said.out, said.err


VERBS = (
    "data",
    "rank",
    "history",
    "audit",
    "fit",
    "pretrain",
    "evaluate",
    "predict",
    "models",
    "cache",
    "demo",
    "embed",
    "search",
)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_and_json(verb, capsys):
    code, out, _ = graft(verb, "--help", capsys=capsys)
    assert code == 0
    assert "--json" in out


def test_data_as_a_table_and_as_json(folder, capsys):
    root = folder(lemon=10, plum=10)
    code, out, _ = graft("data", root, capsys=capsys)
    assert code == 0
    assert "20 pictures of 2 classes" in out
    code, out, _ = graft("data", root, "--json", capsys=capsys)
    assert json.loads(out)["parts"] == {"train": 14, "val": 2, "test": 4}


def test_fit_ends_with_the_number_the_run_and_the_next_command(folder, tmp_path, capsys):
    code, out, _ = graft(
        "fit", folder(lemon=20, plum=20), "--out", tmp_path / "run", "--effort", "quick", capsys=capsys
    )
    assert code == 0
    assert "95% interval" in out
    assert f"graft evaluate {tmp_path / 'run'}" in out.replace("\n", "")


def test_fit_and_evaluate_as_json(folder, tmp_path, capsys):
    code, out, err = graft(
        "fit", folder(lemon=20, plum=20), "--out", tmp_path / "run", "--effort", "quick", "--json", capsys=capsys
    )
    assert code == 0
    assert json.loads(out)["evaluation"]["accuracy"]["value"] > 0.9
    code, out, _ = graft("evaluate", tmp_path / "run", "--json", capsys=capsys)
    answer = json.loads(out)
    assert set(answer["evaluation"]["accuracy"]) == {"value", "low", "high"}
    assert answer["test_readings"] == 1


def test_predict_as_lines_and_as_json(fitted, tmp_path, capsys):
    picture = draw(tmp_path / "plum.png", COLOURS["plum"], 4321)
    code, out, _ = graft("predict", fitted.run, picture, capsys=capsys)
    assert code == 0
    assert "plum" in out
    code, out, _ = graft("predict", fitted.run, picture, "--top", 1, "--json", capsys=capsys)
    assert json.loads(out)["predictions"][0]["classes"] == ["plum"]


def test_predict_fails_where_a_picture_cannot_be_read(fitted, tmp_path, capsys):
    (tmp_path / "broken.jpg").write_bytes(b"")
    code, out, _ = graft("predict", fitted.run, tmp_path / "broken.jpg", capsys=capsys)
    assert code == 1
    assert "cannot be read" in out


def test_embed_as_lines_and_as_json(folder, tmp_path, capsys):
    root, place = folder(lemon=2, plum=1), tmp_path / "features.npz"
    code, out, _ = graft("embed", root, "--to", place, "--backbone", NETWORKS["image"], capsys=capsys)
    assert code == 0
    assert "3 pictures" in out
    assert str(place) in out.replace("\n", "")
    again = ("embed", root, "--to", place, "--backbone", NETWORKS["image"], "--json")
    code, _, err = graft(*again, capsys=capsys)
    assert code == 2
    assert "--replace" in err
    code, out, _ = graft(*again, "--replace", capsys=capsys)
    told = json.loads(out)
    assert (code, told["samples"], told["labelled"], told["computed"], told["unreadable"]) == (0, 3, 3, 0, 0)


def test_embed_fails_where_a_picture_cannot_be_read_and_writes_the_others(folder, tmp_path, capsys):
    root, place = folder(lemon=2), tmp_path / "features.npz"
    (root / "lemon" / "broken.png").write_bytes(b"")
    code, out, _ = graft("embed", root, "--to", place, "--backbone", NETWORKS["image"], capsys=capsys)
    assert code == 1
    assert "lemon/broken.png: the file is empty" in out
    assert place.is_file()
    again = ("embed", root, "--to", place, "--replace", "--backbone", NETWORKS["image"], "--json")
    code, out, _ = graft(*again, capsys=capsys)
    assert (code, json.loads(out)["unreadable"]) == (1, 1)


def test_search_as_lines_as_json_and_as_a_page(folder, tmp_path, capsys):
    root, page = folder(lemon=3, plum=3), tmp_path / "page.html"
    asked = ("search", root, root / "plum" / "0.png", "--backbone", NETWORKS["image"], "--top", 2)
    code, out, _ = graft(*asked, "--page", page, capsys=capsys)
    assert code == 0
    assert "It is one of the samples, which is left out: plum/0.png." in out
    assert str(page) in out.replace("\n", "")
    assert page.read_text("utf-8").count("<img") == 3
    code, out, _ = graft(*asked, "--json", capsys=capsys)
    [found] = json.loads(out)["found"]
    assert len(found["nearest"]) == 2
    assert set(found["nearest"][0]) == {"source", "label", "cosine"}


def test_search_fails_where_a_query_cannot_be_read(folder, tmp_path, capsys):
    (tmp_path / "broken.jpg").write_bytes(b"")
    code, out, _ = graft(
        "search", folder(lemon=2), tmp_path / "broken.jpg", "--backbone", NETWORKS["image"], capsys=capsys
    )
    assert code == 1
    assert "cannot be read" in out


def test_search_takes_words_for_texts_alone(folder, tmp_path, capsys):
    code, _, err = graft("search", folder(lemon=2), "--text", "a lemon", capsys=capsys)
    assert code == 2
    assert "--text is for texts" in err
    (tmp_path / "texts.csv").write_text("text\nthe cat is asleep\nwhere is the hammer\n")
    code, out, _ = graft("search", tmp_path / "texts.csv", "--text", "lend me a hammer", "--top", 1, capsys=capsys)
    assert code == 0
    assert "texts.csv:3" in out


def test_models_and_cache(capsys):
    code, out, _ = graft("models", "--json", capsys=capsys)
    assert [line["id"] for line in json.loads(out)["models"] if line["default"]] == [
        "wheel:efficientnet_lite0",
        "wheel:minilm_l6",
        "wheel:speech_embedding",
    ]
    assert graft("models", capsys=capsys)[0] == 0
    code, out, _ = graft("models", "--licence", capsys=capsys)
    assert code == 0
    assert "openwakeword 0.4.0, METADATA" in out
    assert "features" in json.loads(graft("cache", "--json", capsys=capsys)[1])
    assert graft("cache", capsys=capsys)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("data", "nowhere"), 2, "does not exist"),
        (("fit", "nowhere"), 2, "does not exist"),
        (("evaluate", "nowhere"), 2, "not a run"),
        (("predict", "nowhere", "x.jpg"), 2, "not a run"),
        (("fit",), 2, "Expected either DATA"),
        (("fit", ".", "--seed", "x"), 2, "string as an integer"),
        (("frobnicate",), 2, "No such command"),
    ],
)
def test_a_wrong_request_exits_with_2(arguments, code, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    got, _, err = graft(*arguments, capsys=capsys)
    assert got == code
    assert words in " ".join(err.split())


def test_a_damaged_model_exits_with_1(fitted, tmp_path, capsys):
    import shutil

    run = shutil.copytree(fitted.run, tmp_path / "run")
    (run / "model" / "model.safetensors").unlink()
    code, _, err = graft("predict", run, tmp_path, capsys=capsys)
    assert code == 1
    assert "model.safetensors missing" in " ".join(err.split())


def test_an_error_with_json_is_one_object_too(capsys):
    code, out, _ = graft("data", "nowhere", "--json", capsys=capsys)
    assert json.loads(out)["error"]["exit_code"] == code == 2


def test_a_command_that_is_not_understood_says_why_in_json_too(capsys):
    code, out, _ = graft("predict", "--json", capsys=capsys)
    assert code == 2
    assert "Missing argument" in json.loads(out)["error"]["message"]


def test_what_the_system_refuses_is_told_as_such(capsys):
    code, _, err = graft("data", "a" * 300, capsys=capsys)
    assert code == 1
    assert "File name too long" in " ".join(err.split())
    assert "mistake" not in err


def test_names_reach_the_terminal_as_text(folder, capsys):
    """No markup, no emoji codes, no control codes from the names of folders and files."""
    root = folder(lemon=5, plum=5)
    (root / "lemon").rename(root / "[red]:apple: \u202e")
    draw(root / "plum" / "\x1b[31m.png", (9, 9, 9), 1)
    _, out, _ = graft("data", root, capsys=capsys)
    assert "[red]:apple: " in out
    assert r"\x1b[31m.png" in out
    assert not {"\x1b", "\u202e"} & set(out)


def test_json_of_any_name_can_be_parsed(folder, capsys, monkeypatch):
    root = folder(plum=5)
    for number in range(5):
        draw(root / "苹果" / f"{number}.png", (9, 9, 9), number)
    _, out, _ = graft("data", root, "--json", capsys=capsys)
    assert out.isascii()
    assert json.loads(out)["classes"][1]["name"] == "苹果"


def test_a_mistake_of_our_own_is_one_json_object_too(folder, capsys, monkeypatch):
    monkeypatch.setattr("graft.verbs.data.describe", lambda dataset: 1 / 0)
    code, out, err = graft("data", folder(lemon=5, plum=5), "--json", capsys=capsys)
    assert code == 1
    assert "ZeroDivisionError" in json.loads(out)["error"]["message"]
    assert "Traceback" in err


def test_stopping_is_no_traceback(folder, capsys, monkeypatch):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("graft.verbs.fit.fit", stop)
    code, _, err = graft("fit", folder(lemon=5, plum=5), capsys=capsys)
    assert code == 130
    assert "Stopped" in err


def test_demo_runs_from_an_empty_place(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, out, _ = graft("demo", capsys=capsys)
    assert code == 0
    assert "3. graft predict" in out
    assert Path("runs/demo/report.html").exists()


def test_demo_without_its_pictures_names_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr("graft.verbs.demo.PACKAGE", "a_package_that_is_not_there")
    code, _, err = graft("demo", capsys=capsys)
    assert code == 1
    assert "pip install 'graft-ml[demo]'" in " ".join(err.split())


def test_the_command_itself_prints_json_alone_on_stdout(folder, cache):
    """In a process of its own: progress and notes must not leak into what machines read."""
    environment = {**os.environ, "GRAFT_CACHE": str(cache)}
    command = [
        sys.executable,
        "-c",
        "from graft.cli import main; main()",
        "data",
        str(folder(lemon=5, plum=5)),
        "--json",
    ]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert json.loads(result.stdout)["samples"] == 10
