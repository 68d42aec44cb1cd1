"""What every kind of artifact must do: give the model's answers through its own runtime, for each kind of sample."""

import json
import os

import numpy as np
import pytest

import graft
from graft.errors import RequestError
from graft.export.artifact import Artifact
from graft.export.target import Target
from graft.export.targets import TARGETS, lacking
from graft.verbs.export import ExportOptions, export


@pytest.fixture(params=TARGETS)
def target(request) -> Target:
    target = TARGETS[request.param]
    if lacking(target):
        pytest.skip(f"{lacking(target)} is not installed")
    if target.name == "litert" and "GRAFT_LITERT_PYTHON" not in os.environ:
        pytest.skip("set GRAFT_LITERT_PYTHON to a Python that has litert-torch: it is 5 GB")
    return target


def test_the_artifact_answers_as_the_model_does(target, run_of_a_kind, tmp_path):
    refused = target.refuses(graft.Predictor(run_of_a_kind).model)
    if refused:
        with pytest.raises(RequestError, match="Use --to onnx"):
            export(run_of_a_kind, target.name, tmp_path / "artifact")
        return
    exported = export(run_of_a_kind, target.name, tmp_path / "artifact")
    folder = exported.recommended
    parity = json.loads((folder / "parity.json").read_text())
    manifest = json.loads((folder / "manifest.json").read_text())
    golden = json.loads((folder / "golden" / "golden.json").read_text())["inputs"]
    assert manifest["classes"] == list(graft.Predictor(run_of_a_kind).model.classes)
    assert "```" in (folder / "README.md").read_text()
    assert set(manifest["sha256"]) == {
        one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file() and one.name != "manifest.json"
    }
    files = [folder / "golden" / one["file"] for one in golden]
    model = list(graft.Predictor(run_of_a_kind).predict(files, top=1))
    assert [one.classes[0] for one in model] == [one["label"] for one in golden]
    assert parity["verified"] == target.verifiable
    if not target.verifiable:
        return
    assert parity["agreement"] == 1
    artifact = list(graft.Predictor(folder).predict(files, top=2))
    for one, expected in zip(artifact, golden, strict=True):
        assert one.classes[0] == expected["label"]
        assert one.probabilities[0] == pytest.approx(max(expected["probabilities"]), abs=5e-3)
    if not target.whole:
        for one, expected in zip(golden, golden, strict=True):
            raw = np.fromfile(folder / "golden" / one["prepared"], one["type"]).reshape(one["shape"])
            answer = Artifact(folder).runtime.run(raw[0])
            assert answer == pytest.approx(expected["probabilities"], abs=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["fp16", "int8"])
def test_smaller_variants_pass_the_same_gate(variant, target, run_of_a_kind, tmp_path):
    if variant not in target.variants or not target.verifiable:
        pytest.skip(f"{target.name} has no {variant} that runs here")
    (whole,) = export(run_of_a_kind, target.name, tmp_path / "fp32").artifacts
    (small,) = export(run_of_a_kind, target.name, tmp_path / variant, ExportOptions(variant)).artifacts
    assert (
        small.megabytes < whole.megabytes or whole.megabytes < 1
    )  # of so small a network the words outweigh the weights
    assert small.parity is not None
    assert small.parity.agreement >= 0.985
