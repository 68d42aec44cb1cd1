"""An open SpeechModel: loaded once, no threads for one recording, and the same frames for many callers at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from graft.adaptation import speech_model
from graft.adaptation.letters import Letters
from graft.adaptation.speech_model import SpeechModel
from graft.backbones import Backbone, Loaded
from graft.records import AudioPreprocess, Card


class Frames(nn.Module):
    """Four features of every tenth of a second."""

    def forward(self, waves: torch.Tensor) -> torch.Tensor:
        frames = waves.unfold(1, 800, 800)
        return torch.stack([frames.mean(-1), frames.std(-1), frames.amax(-1), frames.amin(-1)], dim=-1)


@pytest.fixture
def model() -> SpeechModel:
    rng = np.random.default_rng(0)
    card = Card("own:frames", "frames", "audio", "MIT", "here", 0, 0, 4, AudioPreprocess(8000, 8000, 800, 80_000))
    weight = rng.normal(size=(3, 4)).astype(np.float32)
    backbone = Backbone(card, lambda: Loaded(Frames()))
    return SpeechModel(backbone, Letters(("a", "b")), weight, np.zeros(3, np.float32), ("a",), {})


def recordings(count: int) -> list[tuple[np.ndarray, int]]:
    rng = np.random.default_rng(1)
    return [(rng.uniform(-0.5, 0.5, 4000 + 500 * number).astype(np.float32), 8000) for number in range(count)]


def test_many_threads_get_the_frames_of_one_list(model, monkeypatch):
    waves, opened, entered = recordings(8), [], speech_model.entered
    monkeypatch.setattr(speech_model, "entered", lambda backbone: opened.append(1) or entered(backbone))
    ready = threading.Barrier(6)

    def ask(_: int) -> list[np.ndarray]:
        ready.wait()
        return [frames for one in waves for _, frames in model.listen([one])]

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ask, range(6)))
    together = [frames for _, frames in model.listen(waves)]
    assert len(opened) == 1
    for found in answers:
        assert all(np.allclose(one, other, atol=1e-5) for one, other in zip(found, together, strict=True))


def test_one_recording_starts_no_threads(model, monkeypatch):
    [one] = recordings(1)
    [(_, first)] = model.listen([one])
    monkeypatch.setattr(threading.Thread, "start", lambda *a: pytest.fail("a thread was started"))
    monkeypatch.setattr(speech_model, "entered", lambda *a: pytest.fail("loaded again"))
    [(_, second)] = model.listen([one])
    assert np.array_equal(first, second)
