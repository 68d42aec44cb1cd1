"""What every engine must do: compute the trunk's features, from many threads, each row by itself."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from graft.backbones import Backbone, open_backbone
from graft.backbones.from_checkpoint import build
from graft.features import trunk_cache
from graft.features.engine import EXACT_COSINE, FAST_COSINE, Agreement, TorchEngine, torch_features
from graft.features.openvino import OpenVINOEngine, choose, convert, openvino_engine


def photographs(count: int, side: int) -> np.ndarray:
    """Smooth pictures with some noise, more like photographs than noise alone: (count, side, side, 3)."""
    rng = np.random.default_rng(0)
    coarse = torch.from_numpy(rng.uniform(0, 255, (count, 3, 9, 9)).astype(np.float32))
    smooth = torch.nn.functional.interpolate(coarse, (side, side), mode="bicubic").permute(0, 2, 3, 1).numpy()
    return np.clip(smooth + rng.normal(0, 6, smooth.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return open_backbone("wheel:efficientnet_lite0")


@pytest.fixture(scope="module")
def pictures(backbone) -> np.ndarray:
    return photographs(6, backbone.card.preprocess.crop)


@pytest.fixture(scope="module", params=["torch", "openvino-f32", "openvino-bf16"])
def engine(request, backbone):
    kind, _, precision = request.param.partition("-")
    return TorchEngine(backbone) if kind == "torch" else OpenVINOEngine(convert(backbone), precision)


def test_it_agrees_with_torch(engine, backbone, pictures):
    agreement = Agreement.between(engine.run(pictures), torch_features(backbone, pictures))
    assert agreement.mean >= (FAST_COSINE if "bf16" in engine.name else EXACT_COSINE)


def test_a_row_does_not_depend_on_its_neighbours(engine, pictures):
    together = engine.run(pictures)
    alone = np.concatenate([engine.run(pictures[number : number + 1]) for number in range(len(pictures))])
    assert np.abs(together - alone).max() <= (1e-5 if "torch" in engine.name else 0)


def test_many_threads_get_the_answers_of_one(engine, pictures):
    expected = engine.run(pictures)
    with ThreadPoolExecutor(engine.workers) as pool:
        answers = list(pool.map(lambda number: engine.run(pictures[number % 6][None])[0], range(60)))
    for number, answer in enumerate(answers):
        assert np.allclose(answer, expected[number % 6], atol=1e-5)


def test_its_name_tells_device_and_precision(engine):
    assert len(engine.name.split("-")) >= 3


@pytest.mark.slow
def test_engines_never_deadlock(backbone, pictures):
    """Requests that were handed arrays while others ran used to hang in 3 of 20 starts; see OpenVINOEngine."""
    graph = convert(backbone)
    for _ in range(20):
        engine = OpenVINOEngine(graph, "f32")
        with ThreadPoolExecutor(engine.workers) as pool:
            assert len(list(pool.map(engine.run, [pictures[number % 6][None] for number in range(100)]))) == 100


class TestChoice:
    def test_speed_takes_bf16_where_it_agrees(self):
        assert choose({"bf16": Agreement(0.9995, 0.99), "f32": Agreement(1, 1)}, "fast") == "bf16"

    def test_exactness_never_takes_bf16(self):
        assert choose({"bf16": Agreement(0.9995, 0.99), "f32": Agreement(1, 1)}, "exact") == "f32"

    def test_bf16_that_disagrees_is_passed_over(self):
        assert choose({"bf16": Agreement(0.998, 0.99), "f32": Agreement(1, 1)}, "fast") == "f32"

    def test_a_graph_that_disagrees_is_not_used(self):
        assert choose({"f32": Agreement(0.99, 0.9)}, "fast") is None


class Listener:
    def __init__(self):
        self.said: list[str] = []

    def say(self, message):
        self.said.append(message)


class TestFallingBack:
    def test_without_openvino_torch_computes_and_says_so(self, backbone, pictures, monkeypatch):
        monkeypatch.setattr(trunk_cache.importlib.util, "find_spec", lambda name: None)
        listener = Listener()
        assert isinstance(trunk_cache.open_engine(backbone, "fast", pictures, listener), TorchEngine)
        assert "OpenVINO is not installed" in listener.said[0]

    def test_a_network_openvino_cannot_run_goes_to_torch_and_says_so(self, pictures, own_cache, monkeypatch):
        def fail(*arguments):
            raise RuntimeError("operator not supported")

        monkeypatch.setattr("graft.features.openvino.convert", fail)
        listener = Listener()
        backbone = open_backbone("wheel:efficientnet_lite0")
        assert isinstance(trunk_cache.open_engine(backbone, "fast", pictures, listener), TorchEngine)
        assert "operator not supported" in listener.said[0]

    def test_a_graph_that_computes_something_else_is_caught(self, pictures, own_cache, monkeypatch):
        """The graph of another network with the same shapes must not pass for this one."""
        torch.manual_seed(1)
        loaded, card = build("timm:tf_efficientnet_lite0")
        stranger = Backbone(card, lambda: loaded)
        monkeypatch.setattr("graft.features.openvino.convert", lambda backbone, real=convert: real(stranger))
        listener = Listener()
        backbone = open_backbone("wheel:efficientnet_lite0")
        assert isinstance(trunk_cache.open_engine(backbone, "fast", pictures, listener), TorchEngine)
        assert "does not agree" in listener.said[0]


class TestKeptGraph:
    def test_the_second_time_nothing_is_converted(self, backbone, pictures, tmp_path, monkeypatch):
        openvino_engine(backbone, "exact", pictures, tmp_path)
        monkeypatch.setattr("graft.features.openvino.convert", lambda backbone: pytest.fail("converted again"))
        assert openvino_engine(backbone, "exact", pictures, tmp_path) is not None

    def test_each_set_of_pictures_is_judged_by_itself(self, backbone, pictures, tmp_path, monkeypatch):
        """The engine of a data set must not depend on which data set came to the cache first."""
        poor = {"bf16": Agreement(FAST_COSINE - 1e-4, 0.9), "f32": Agreement(1, 1)}
        good = {"bf16": Agreement(FAST_COSINE, 0.9), "f32": Agreement(1, 1)}
        verdicts = iter([poor, good])
        monkeypatch.setattr("graft.features.openvino.measure", lambda *arguments: next(verdicts))
        sets = (pictures, pictures[::-1], pictures)
        names = [openvino_engine(backbone, "fast", seen, tmp_path).name for seen in sets]
        assert ["f32" in name for name in names] == [True, False, True]

    def test_exactness_needs_no_second_measurement(self, backbone, pictures, tmp_path, monkeypatch):
        openvino_engine(backbone, "fast", pictures, tmp_path)
        monkeypatch.setattr("graft.features.openvino.measure", lambda *arguments: pytest.fail("measured again"))
        assert "f32" in openvino_engine(backbone, "exact", pictures[:1], tmp_path).name

    def test_a_damaged_graph_is_made_anew(self, backbone, pictures, tmp_path):
        expected = openvino_engine(backbone, "exact", pictures, tmp_path).run(pictures)
        constants = bytearray((tmp_path / "trunk.bin").read_bytes())
        constants[1000] ^= 255
        (tmp_path / "trunk.bin").write_bytes(constants)
        assert np.array_equal(openvino_engine(backbone, "exact", pictures, tmp_path).run(pictures), expected)


def test_converting_reports_nothing_to_anybody(backbone, monkeypatch):
    """openvino.convert_model tells its makers about every conversion; graft must not."""
    telemetry = pytest.importorskip("openvino_telemetry")
    monkeypatch.setattr(telemetry.Telemetry, "__init__", lambda *a, **k: pytest.fail("telemetry was started"))
    convert(backbone)
