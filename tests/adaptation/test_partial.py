import numpy as np
import pytest
import torch

from graft.adaptation.partial import CachedBatches, interpolated, scores_of, state_of, with_head
from graft.backbones import Backbone
from graft.backbones.from_checkpoint import build
from graft.backbones.halves import default_cut, halve
from graft.errors import RequestError
from graft.ranking.ridge import LinearHead


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    torch.manual_seed(0)
    loaded, card = build("timm:test_efficientnet")
    return Backbone(card, lambda: loaded)


@pytest.fixture
def pictures(backbone) -> torch.Tensor:
    side = backbone.card.preprocess.crop
    return torch.randn(3, 3, side, side, generator=torch.Generator().manual_seed(0))


def head(backbone) -> LinearHead:
    rng = np.random.default_rng(0)
    return LinearHead(rng.normal(size=(backbone.card.width, 4)), rng.normal(size=4))


@torch.no_grad()
def test_at_step_0_it_answers_as_the_probe_does(backbone, pictures):
    halves = halve(backbone, default_cut(backbone))
    activations = halves.prefix.module(pictures).numpy()
    probe = head(backbone)
    expected = probe.scores(backbone.module(pictures).numpy()) / 0.7
    assert np.abs(scores_of(with_head(halves, probe, 0.7), activations, halves.shape) - expected).max() < 1e-4


@torch.no_grad()
@pytest.mark.parametrize("before", range(1, 7))
def test_both_halves_in_a_row_are_the_whole_network(backbone, pictures, before):
    halves = halve(backbone, before)
    activations = halves.prefix.module(pictures)
    assert activations.shape == (3, halves.prefix.card.width)
    assert (halves.suffix(activations.view(3, *halves.shape)) - backbone.module(pictures)).abs().max() < 1e-4


def test_training_the_suffix_changes_the_copy_and_never_the_backbone(backbone):
    before = state_of(backbone.module)
    halves = halve(backbone, default_cut(backbone))
    with torch.no_grad():
        for parameter in halves.suffix.parameters():
            parameter.add_(1)
    assert all(torch.equal(value, before[name]) for name, value in backbone.module.state_dict().items())
    changed = [name for name, value in halves.trunk.state_dict().items() if not torch.equal(value, before[name])]
    assert changed
    assert not any(name.startswith("conv_stem") for name in changed)


def test_prefixes_at_different_cuts_have_different_fingerprints(backbone):
    prints = {halve(backbone, before).prefix.fingerprint for before in (1, 2, 3)} | {backbone.fingerprint}
    assert len(prints) == 4


def test_a_cut_that_is_not_there_names_the_stages(backbone):
    with pytest.raises(RequestError, match="cannot be cut before stage 99: it has 7 .stem, blocks.0"):
        halve(backbone, 99)


@pytest.mark.parametrize(
    ("architecture", "stage"),
    [
        ("timm:tf_efficientnet_lite0", "blocks.4"),
        ("torchvision:resnet18", "layer4"),
        ("timm:test_vit", "blocks.4"),
        ("timm:test_convnext", "stages.3"),
        ("timm:regnetx_002", None),
    ],
)
def test_the_default_cut_of_each_family(architecture, stage):
    loaded, card = build(architecture)
    backbone = Backbone(card, lambda: loaded)
    before = default_cut(backbone)
    assert (backbone.stages[before].name if before else None) == stage


def test_weights_between_two_trainings(backbone):
    first = state_of(backbone.module)
    last = {name: value + 1 if value.is_floating_point() else value for name, value in first.items()}
    assert all(torch.equal(value, first[name]) for name, value in interpolated(first, last, 0).items())
    assert all(torch.equal(value, last[name]) for name, value in interpolated(first, last, 1).items())
    half = interpolated(first, last, 0.5)
    assert torch.allclose(half["conv_stem.weight"], first["conv_stem.weight"] + 0.5)


class TestBatches:
    def batches(self) -> CachedBatches:
        views = tuple(
            np.full((20, 8), 100 * view, np.float16) + np.arange(20, dtype=np.float16)[:, None] for view in (0, 1)
        )
        return CachedBatches(views, np.arange(20, dtype=np.int32), np.arange(4, 20), (2, 2, 2), seed=0, size=8)

    def test_an_epoch_shows_each_trained_sample_once_with_its_label(self):
        batches = self.batches()
        seen = [batches.batch(step) for step in range(batches.per_epoch)]
        labels = torch.cat([label for _, label in seen])
        values = torch.cat([inputs[:, 0, 0, 0] for inputs, _ in seen]) % 100
        assert sorted(labels.tolist()) == list(range(4, 20))
        assert values.tolist() == labels.tolist()

    def test_views_vary(self):
        inputs = torch.cat([self.batches().batch(step)[0] for step in range(4)])
        assert {value // 100 for value in inputs[:, 0, 0, 0].tolist()} == {0, 1}

    def test_a_step_is_always_the_same(self):
        assert torch.equal(self.batches().batch(3)[0], self.batches().batch(3)[0])
