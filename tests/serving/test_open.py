"""An open Predictor: opened once, and the same answers for one at a time, for lists, and from many threads."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import COLOURS, draw
from graft.adaptation import model
from graft.export import artifact
from graft.export.targets import TARGETS, lacking
from graft.features import trunk_cache
from graft.records import Prediction
from graft.serving import Predictor
from graft.verbs.export import export


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[Path]:
    root = tmp_path_factory.mktemp("asked")
    return [draw(root / f"{number}.png", COLOURS["plum"], number, side=60 + number) for number in range(12)]


@pytest.fixture(scope="module", params=["run", "onnx", "openvino", pytest.param("executorch", marks=pytest.mark.slow)])
def place(request, fitted, tmp_path_factory) -> Path:
    if request.param == "run":
        return fitted.run
    if lacking(TARGETS[request.param]):
        pytest.skip(f"{lacking(TARGETS[request.param])} is not installed")
    return export(fitted.run, request.param, tmp_path_factory.mktemp(request.param) / "artifact").recommended


def test_many_threads_get_the_answers_of_one_list(place, files):
    together = list(Predictor(place).predict(files))
    opened, ready = Predictor(place), threading.Barrier(8)

    def ask(thread: int) -> list[Prediction]:
        ready.wait()
        turned = files[thread:] + files[:thread]
        found = [*opened.predict(turned[:4]), *(answer for one in turned[4:] for answer in opened.predict([one]))]
        return sorted(found, key=lambda one: files.index(Path(one.source)))

    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(ask, range(8)):
            assert found == together


def test_the_next_call_opens_reads_and_starts_nothing(place, files, monkeypatch):
    opened = Predictor(place)
    [first] = opened.predict([files[0]])

    def refuse(*args: object, **kwargs: object) -> None:
        pytest.fail("a single call opened something anew")

    monkeypatch.setattr(model, "open_engine", refuse)
    monkeypatch.setattr(trunk_cache, "trunk_folder", refuse)
    monkeypatch.setattr(artifact, "read_record", refuse)
    monkeypatch.setattr(artifact, "sha256_of", refuse)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert list(opened.predict([files[0]])) == [first]
