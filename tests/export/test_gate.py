"""The gate: what gives other answers than the model is not shipped, and leaves nothing that looks good."""

import json
import shutil
import subprocess
import zlib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from PIL import Image

import graft
from conftest import draw
from graft.adaptation.model import Model
from graft.backbones.licence import warning
from graft.errors import RequestError, WorkError
from graft.export import targets
from graft.export.artifact import describe
from graft.export.parity import judge, notes
from graft.export.ship import LOCK
from graft.export.target import Material
from graft.export.targets import TARGETS
from graft.export.to_onnx import ONNX, OnnxTarget, whole_graph
from graft.run_folder import RunFolder
from graft.tasks.table import CLASSES
from graft.verbs.export import ExportOptions, _for_the_page, _name, export
from graft.verbs.fit import FitOptions

COLOURS = {"red": (200, 60, 50), "blue": (50, 60, 200), "green": (60, 190, 60)}

OF_TWO = SimpleNamespace(task=CLASSES, classes=("a", "b"), details={})


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A run whose classes differ in colour and in grain, so that channels and resizing matter."""
    root = tmp_path_factory.mktemp("gate")
    for name, colour in COLOURS.items():
        for number in range(20):
            draw(
                root / "data" / name / f"{number}.png", colour, zlib.crc32(f"{name}{number}".encode()), side=90 + number
            )
    return graft.fit(root / "data", root / "run", FitOptions("random:timm:test_efficientnet@64", "quick")).run


def swap_channels(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Blue, green, red instead of red, green, blue."""
    order = onnx.numpy_helper.from_array(np.array([2, 1, 0]), "order")
    graph.graph.initializer.append(order)
    for node in graph.graph.node:
        node.input[:] = ["swapped" if one == "pictures" else one for one in node.input]
    graph.graph.node.insert(0, onnx.helper.make_node("Gather", ["pictures", "order"], ["swapped"], axis=3))
    return graph


def other_weights(graph: onnx.ModelProto) -> onnx.ModelProto:
    """A graph somebody changed: the largest tensor turned round."""
    tensor = max(graph.graph.initializer, key=lambda one: np.prod(one.dims))
    tensor.CopyFrom(onnx.numpy_helper.from_array(-onnx.numpy_helper.to_array(tensor), tensor.name))
    return graph


def other_resize(model: Model) -> Model:
    preprocess = replace(model.backbone.card.preprocess, resize=130)
    return replace(model, backbone=replace(model.backbone, card=replace(model.backbone.card, preprocess=preprocess)))


def stale_temperature(model: Model) -> Model:
    return replace(model, temperature=3 * model.temperature)


class Sabotaged(OnnxTarget):
    """Writes a graph that is not the model's."""

    def __init__(self, graph=lambda graph: graph, model=lambda model: model) -> None:
        self.changes = graph, model

    def write(self, material, variant, folder):
        graph, model = self.changes
        onnx.save(graph(whole_graph(Material(model(material.model)), variant)), folder / self.file)


@pytest.mark.parametrize(
    ("sabotage", "told"),
    [
        (Sabotaged(graph=swap_channels), "agrees with the model on"),
        (Sabotaged(graph=other_weights), "agrees with the model on|probabilities are"),
        (Sabotaged(model=other_resize), "probabilities are|agrees with"),
        (Sabotaged(model=stale_temperature), "probabilities are"),
    ],
    ids=["channels", "weights", "resize", "temperature"],
)
def test_what_differs_is_refused_and_leaves_nothing_that_looks_good(sabotage, told, run, tmp_path, monkeypatch):
    monkeypatch.setitem(targets.TARGETS, "onnx", sabotage)
    with pytest.raises(WorkError, match=f"not shipped.*({told})"):
        export(run, "onnx", tmp_path / "artifact")
    assert [one.name for one in tmp_path.iterdir()] == ["artifact.refused.json"]
    assert json.loads((tmp_path / "artifact.refused.json").read_text())["faults"]


def test_the_disagreeing_files_are_named():
    reference = np.array([[0.9, 0.1]] * 99 + [[0.2, 0.8]])
    found = reference.copy()
    found[3] = [0.4, 0.6]
    told = judge(OF_TWO, reference, found, None, [f"{n}.png" for n in range(100)], "fp32")
    assert [one.source for one in told["disagreements"]] == ["3.png"]
    assert "99.0% of 100 files" in told["faults"][0]
    assert "3.png" in told["faults"][0]
    assert judge(OF_TWO, reference, found, None, ["x"] * 100, "int8")["faults"] == ()


def test_lost_accuracy_is_refused_only_where_it_is_sure():
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=2_000).astype(np.int32)
    reference = np.eye(2)[labels] * 0.1 + 0.45
    found = reference.copy()
    found[:25] = found[:25, ::-1]
    told = judge(OF_TWO, reference, found, labels, ["x"] * 2_000, "int8")
    assert told["accuracy_difference"].value == pytest.approx(-0.0125)
    assert told["faults"] == ()  # 1.25 points, and by its interval perhaps less than one
    found[25:60] = found[25:60, ::-1]
    told = judge(OF_TWO, reference, found, labels, ["x"] * 2_000, "int8")
    assert any("loses 3.0 points" in one for one in told["faults"])


def test_values_that_are_no_numbers_are_a_fault():
    found = np.full((4, 2), np.nan)
    assert "no numbers" in judge(OF_TWO, np.full((4, 2), 0.5), found, None, ["x"] * 4, "fp32")["faults"][0]


def test_a_changed_file_is_not_opened(run, tmp_path):
    folder = export(run, "onnx", tmp_path / "artifact").recommended
    graph = other_weights(onnx.load(folder / "model.onnx"))
    onnx.save(graph, folder / "model.onnx")
    with pytest.raises(WorkError, match=r"not those that graft wrote. not as it was written .*: model.onnx"):
        graft.Predictor(folder)


def test_a_half_written_artifact_is_cleared_and_an_older_one_kept(run, tmp_path, monkeypatch):
    left = tmp_path / ".artifact.unfinished-killed"
    left.mkdir()
    (left / LOCK).touch()
    (left / "model.onnx").write_bytes(b"half")
    export(run, "onnx", tmp_path / "artifact")
    assert not left.exists()
    with pytest.raises(RequestError, match="already holds an artifact"):
        export(run, "onnx", tmp_path / "artifact")
    export(run, "onnx", tmp_path / "artifact", ExportOptions(replace=True))
    assert (tmp_path / "artifact.old" / "manifest.json").is_file()
    monkeypatch.setitem(targets.TARGETS, "onnx", Sabotaged(model=stale_temperature))
    with pytest.raises(WorkError, match="not shipped"):  # the one that passed stays where it is
        export(run, "onnx", tmp_path / "artifact", ExportOptions(replace=True))
    assert (tmp_path / "artifact" / "manifest.json").is_file()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(RequestError, match="no artifact of graft"):
        export(run, "onnx", tmp_path / "mine", ExportOptions(replace=True))


def test_a_folder_without_a_manifest_is_no_artifact(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"half")
    with pytest.raises(RequestError, match="not a run"):
        graft.Predictor(tmp_path)


def test_pictures_of_any_shape_and_kind_get_the_label_that_python_gives(run, tmp_path):
    """Turned by EXIF, a 4:1 panorama, one pixel high, large, grey, CMYK, with a palette, and transparent."""
    folder = export(run, "onnx", tmp_path / "artifact").recommended
    rng = np.random.default_rng(1)

    def grain(height: int, width: int) -> Image.Image:
        return Image.fromarray(np.clip(rng.normal(0, 40, (height, width, 3)) + (200, 60, 50), 0, 255).astype(np.uint8))

    turned = Image.Exif()
    turned[0x0112] = 6
    grain(80, 120).save(tmp_path / "turned.jpg", exif=turned)
    grain(90, 360).save(tmp_path / "panorama.jpg")
    grain(1, 200).save(tmp_path / "line.png")
    grain(200, 1).save(tmp_path / "column.png")
    grain(2400, 3200).save(tmp_path / "large.jpg")
    grain(80, 80).convert("L").save(tmp_path / "grey.jpg")
    grain(80, 80).convert("CMYK").save(tmp_path / "printed.jpg")
    grain(80, 80).quantize(16).save(tmp_path / "palette.png")
    clear = grain(80, 80).convert("RGBA")
    clear.putalpha(120)
    clear.save(tmp_path / "clear.png")
    files = sorted(one for one in tmp_path.iterdir() if one.suffix in {".jpg", ".png"})
    assert len(files) == 9
    ours, theirs = (list(graft.Predictor(one).predict(files, top=3)) for one in (run, folder))
    for one, other in zip(ours, theirs, strict=True):
        assert one.classes[0] == other.classes[0], one.source
        assert one.probabilities[0] == pytest.approx(other.probabilities[0], abs=0.01), one.source


def test_without_its_data_files_must_be_named(run, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    settings = json.loads((tmp_path / "run" / "run.json").read_text())
    settings["data"] = str(tmp_path / "gone")
    (tmp_path / "run" / "run.json").write_text(json.dumps(settings))
    with pytest.raises(WorkError, match="give some with --check DIR"):
        export(tmp_path / "run", "onnx", tmp_path / "artifact")
    draw(tmp_path / "new" / "0.png", COLOURS["red"], 1)
    exported = export(tmp_path / "run", "onnx", tmp_path / "artifact", ExportOptions(check=tmp_path / "new"))
    assert exported.artifacts[0].parity.accuracy is None
    with pytest.raises(WorkError, match="8 bits need samples of the train part"):
        export(tmp_path / "run", "onnx", tmp_path / "small", ExportOptions("int8", check=tmp_path / "new"))


def test_files_that_the_model_learnt_from_are_told(run, tmp_path):
    """Known by their content: under other names, in another folder, beside a new one and one of the locked part."""
    shutil.copytree(run, tmp_path / "run")
    folder = RunFolder.open(tmp_path / "run")
    rows = {part: [row for row in folder.read_split() if row["part"] == part] for part in ("train", "val", "test")}
    data = Path(folder.settings["data"])
    (tmp_path / "shown").mkdir()
    for number, row in enumerate([rows["train"][0], rows["val"][0], rows["test"][0]]):
        shutil.copy(data / row["source"], tmp_path / "shown" / f"{number}.png")
    draw(tmp_path / "shown" / "3.png", COLOURS["red"], 1)
    exported = export(tmp_path / "run", "onnx", tmp_path / "artifact", ExportOptions(check=tmp_path / "shown"))
    parity = exported.artifacts[0].parity
    assert (parity.samples, parity.learnt_from) == (4, 2)
    assert json.loads((tmp_path / "artifact" / "parity.json").read_text())["learnt_from"] == 2
    assert (
        "2 of the 4 files are ones by which the model was fitted" in (tmp_path / "artifact" / "README.md").read_text()
    )
    assert any("2 of the 4 files" in one for one in notes(parity))
    assert "export --check" in RunFolder.open(tmp_path / "run").settings["test_readings"][-1]["purpose"]


def test_reading_the_test_part_is_counted(run, tmp_path):
    before = len(json.loads((run / "run.json").read_text())["test_readings"])
    export(run, "onnx", tmp_path / "artifact")
    readings = json.loads((run / "run.json").read_text())["test_readings"]
    assert len(readings) == before + 1
    assert readings[-1]["purpose"] == "export"


def test_wrong_requests_are_told(run, tmp_path):
    with pytest.raises(RequestError, match="nothing that graft exports to.*onnx, openvino"):
        export(run, "tensorrt")
    with pytest.raises(RequestError, match="executorch has no int8"):
        export(run, "executorch", options=ExportOptions("int8"))
    with pytest.raises(RequestError, match="not known"):
        export(run, "onnx", options=ExportOptions("int4"))
    with pytest.raises(RequestError, match="does not exist"):
        export(run, "onnx", tmp_path / "a", ExportOptions(check=tmp_path / "nowhere"))


def test_a_missing_extra_is_named(run, monkeypatch):
    monkeypatch.setattr(OnnxTarget, "packages", ("no_such_package",))
    with pytest.raises(WorkError, match=r"no_such_package.*pip install 'graft-ml\[export\]'"):
        export(run, "onnx")


def stated(model: Model, licence: str, note: str) -> Model:
    card = replace(model.backbone.card, licence=licence, licence_source="its page", licence_note=note)
    return replace(model, backbone=replace(model.backbone, card=card))


@pytest.mark.parametrize(
    ("licence", "note", "told"),
    [
        ("CC-BY-NC-4.0", "", "it excludes commercial use"),
        ("", "Ask its author.", "no licence is stated"),
        ("MIT", "Converted by another party.", None),
    ],
)
def test_a_licence_that_may_forbid_it_is_told(run, licence, note, told):
    said = warning(stated(Model.load(run / "model"), licence, note).backbone.card)
    assert told in said if told else not said


def test_an_artifact_carries_the_licence_its_source_and_its_doubt(run, tmp_path, monkeypatch):
    note = "Its METADATA says CC BY-NC-SA 4.0."
    model = stated(Model.load(run / "model"), "Apache-2.0", note)
    monkeypatch.setattr(Model, "load", lambda folder: model)
    exported = export(run, "onnx", tmp_path / "artifact")
    assert any(f"there is a doubt. {note}" in one for one in exported.notes)
    manifest = json.loads((tmp_path / "artifact" / "manifest.json").read_text())
    assert [manifest[key] for key in ("licence", "licence_source", "licence_note")] == ["Apache-2.0", "its page", note]
    readme = (tmp_path / "artifact" / "README.md").read_text()
    assert f"Their licence: Apache-2.0, as stated in its page. Note: {note}" in readme
    assert describe(stated(model, "", ""), TARGETS["onnx"], "fp32", "x", None)["licence"] == "unknown"


def test_an_operator_that_cannot_be_expressed_is_named_with_its_stage(run, monkeypatch):
    import torch

    from graft.export.classifier import program
    from graft.export.operators import told_where

    exported = program(Model.load(run / "model"), batched=False)
    node = next(one for one in exported.graph.nodes if one.target == torch.ops.aten.conv2d.default)
    told = r"ONNX cannot express operator aten.conv2d.default, in stage conv_stem"
    with pytest.raises(WorkError, match=told), told_where(exported, "ONNX"):
        raise ValueError(f"Failed when translating node %{node.name}")
    with pytest.raises(WorkError, match="cannot express this network"), told_where(exported, "ONNX"):
        raise ValueError("no idea")


@pytest.mark.parametrize(
    ("data", "name"), [("a/fruit", "fruit"), ("a/intents.csv", "intents"), ("digits/metadata.csv", "digits")]
)
def test_a_model_is_named_after_its_data(data, name, run, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    folder = RunFolder.open(tmp_path / "run")
    folder.update(data=str(tmp_path / data))
    assert _name(folder) == name


@pytest.mark.skipif(shutil.which("java") is None, reason="java is not installed")
def test_the_java_of_the_documentation_prepares_pictures_as_graft_does(run, tmp_path):
    folder = export(run, "executorch", tmp_path / "artifact").recommended
    program = Path(__file__).parents[2] / "docs" / "mobile" / "Preparing.java"
    said = subprocess.run(["java", program, folder], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert "3 golden pictures, largest difference" in said.stdout


def test_the_unknown_score_stands_in_the_graph(run, tmp_path):
    import onnxruntime

    folder = export(run, "onnx", tmp_path / "artifact").recommended
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    pictures = np.random.default_rng(0).integers(255, size=(3, 50, 70, 3), dtype=np.uint8)
    probabilities, unknown = session.run(None, {"pictures": pictures})
    assert probabilities.shape == (3, 3)
    assert unknown == pytest.approx(1 - probabilities.max(axis=1))
    assert ONNX.name == "onnx"


def test_the_page_gets_what_answers_as_the_model_does_before_what_is_small(tmp_path):
    def shipped(variant: str, agreement: float, megabytes: float) -> SimpleNamespace:
        return SimpleNamespace(
            folder=tmp_path / variant, megabytes=megabytes, parity=SimpleNamespace(agreement=agreement), error=""
        )

    whole, half, small = shipped("fp32", 1.0, 14), shipped("fp16", 0.999, 7), shipped("int8", 0.987, 4)
    assert _for_the_page([whole, half, small]).name == "fp16"
    assert _for_the_page([whole, half, shipped("int8", 0.996, 4)]).name == "int8"
    assert _for_the_page([small]).name == "int8"
    half.folder = None  # refused
    assert _for_the_page([whole, half, small]).name == "fp32"
