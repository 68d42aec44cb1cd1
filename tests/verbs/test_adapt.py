"""Each strategy alone, from Python."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import graft
from graft.adaptation.lora import add_lora, merge_lora
from graft.adaptation.model import Model
from graft.errors import RequestError
from graft.progress import SILENT
from graft.training.plan import Plan

SMALL = "random:timm:test_efficientnet@64"
PLAN = Plan(epochs=8, batch=8, learning_rate=1e-3, head_learning_rate=1e-2, average=False)
HOW = {
    "probe": graft.Probe(),
    "partial": graft.Partial(from_stage=4, plan=PLAN, views=2),
    "full": graft.Full(PLAN),
    "lora": graft.LoRA(rank=2, plan=PLAN),
    "scratch": graft.Scratch(Plan(epochs=8, batch=8, learning_rate=1e-3, frozen_statistics=False)),
}


@pytest.mark.parametrize("how", HOW.values(), ids=HOW)
def test_each_strategy_makes_a_model_that_learnt_and_can_be_kept(folder, tmp_path, how):
    data = graft.load(folder(lemon=20, plum=20))
    epochs = []
    model = graft.adapt(SMALL, data, how, on_epoch=epochs.append)
    model.save(tmp_path / "model")
    kept = type(model).load(tmp_path / "model")
    test = np.flatnonzero(data.parts == 2)
    answers = [np.asarray(answer) for _, answer in kept.predict([data.path(row) for row in test])]
    assert np.mean(np.argmax(answers, axis=1) == data.labels[test]) > 0.8
    if how is not HOW["probe"]:
        assert epochs[-1].mean < epochs[0].mean
        assert model.provenance["losses"][0]["total"] == pytest.approx(epochs[0].mean * 28)


@pytest.mark.parametrize("how", [graft.Partial(from_stage=4), graft.Full(), graft.LoRA()])
def test_statistics_of_normalisation_are_those_of_the_pretraining(folder, how):
    backbone = graft.open_backbone(SMALL)
    plan = Plan(epochs=1, batch=8)
    model = graft.adapt(backbone, folder(lemon=8, plum=8), replace(how, plan=plan))
    before, after = backbone.module.state_dict(), model.backbone.module.state_dict()
    for name in before:
        if "running" in name or "num_batches" in name:
            assert torch.equal(before[name], after[name]), name
    assert any(not torch.equal(before[name], after[name]) for name in before)


def test_frozen_stages_stay_and_later_ones_train(folder):
    backbone = graft.open_backbone(SMALL)
    model = graft.adapt(backbone, folder(lemon=8, plum=8), graft.Full(Plan(epochs=1, batch=8), frozen_stages=3))
    before, after = backbone.module.state_dict(), model.backbone.module.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert any(name.startswith("blocks.4") for name in changed)
    assert not any(name.startswith(("conv_stem", "bn1", "blocks.0", "blocks.1")) for name in changed)


def test_settings_out_of_range_are_refused_before_the_work(folder):
    with pytest.raises(RequestError, match="learning_rate is -1"):
        graft.adapt(SMALL, folder(lemon=8, plum=8), graft.Full(Plan(learning_rate=-1)))


def test_a_network_that_cannot_be_cut_names_what_works(folder):
    with pytest.raises(RequestError, match="how=Full"):
        graft.adapt("random:timm:regnetx_002@32", folder(lemon=8, plum=8), graft.Partial())


def test_views_are_as_many_as_the_cache_may_hold(folder, tmp_path, monkeypatch):
    from graft.adaptation.context import TrainingContext
    from graft.training.place import Place

    said = []
    watch = type("Listener", (SILENT.__class__,), {"say": lambda self, message: said.append(message)})()
    context = TrainingContext.of(graft.load(folder(lemon=8, plum=8)), Place(), watch=watch)
    one = len(context.rows) * 1000 * 2 / 1e9
    assert graft.Partial(views=6)._views_that_fit(1000, replace(context, cache_gb=8 * one)) == 6
    assert said == []
    assert graft.Partial(views=6)._views_that_fit(1000, replace(context, cache_gb=4.5 * one)) == 3
    assert "3 instead of 6 varied views" in said[0]
    with pytest.raises(RequestError, match="Allow more with --cache-gb"):
        graft.Partial()._views_that_fit(1000, replace(context, cache_gb=1.5 * one))


def test_a_batch_larger_than_the_data_is_all_of_it(folder):
    epochs = []
    plan = Plan(epochs=2, batch=4096)
    graft.adapt(SMALL, folder(lemon=8, plum=8), graft.Full(plan), on_epoch=epochs.append)
    assert len(epochs) == 2


class TestLowRank:
    def network(self):
        torch.manual_seed(0)
        return torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 1),
            torch.nn.ReLU(),
            torch.nn.Conv2d(8, 8, 3),
            torch.nn.Flatten(),
            torch.nn.Linear(8, 4),
        )

    def test_it_begins_as_the_network_was_and_trains_only_its_own_parts(self):
        module, inputs = self.network(), torch.randn(2, 3, 3, 3)
        expected = module(inputs)
        add_lora(module, rank=2, alpha=4, seed=0)
        assert torch.allclose(module(inputs), expected, atol=1e-6)
        trained = [name for name, one in module.named_parameters() if one.requires_grad]
        assert len(trained) == 4  # up and down, of the 1x1 convolution and of the linear layer
        assert all(".0.up" in name or ".0.down" in name for name in trained)

    def test_merged_it_computes_the_same_under_its_old_names(self):
        module, inputs = self.network(), torch.randn(2, 3, 3, 3)
        names = module.state_dict().keys()
        add_lora(module, rank=2, alpha=4, seed=0)
        with torch.no_grad():
            for parameter in module.parameters():
                if parameter.requires_grad:
                    parameter.add_(0.1)
        expected = module(inputs)
        merge_lora(module)
        assert module.state_dict().keys() == names
        assert torch.allclose(module(inputs), expected, atol=1e-5)

    def test_the_change_has_the_rank_that_was_asked_for(self):
        module = self.network()
        before = module[4].weight.detach().clone()
        add_lora(module, rank=2, alpha=4, seed=0)
        with torch.no_grad():
            module[4].parametrizations.weight[0].up.normal_()
        merge_lora(module)
        assert torch.linalg.matrix_rank(module[4].weight - before) == 2


class TestRunOfItsOwn:
    """With `out` a strategy alone writes what graft.fit writes, and the other verbs take it."""

    @pytest.fixture
    def adapted(self, folder, tmp_path):
        model = graft.adapt(SMALL, folder(lemon=20, plum=20), graft.Full(PLAN), out=str(tmp_path / "run"))
        return model, tmp_path / "run"

    def test_it_is_complete_and_can_be_measured_used_and_exported(self, adapted):
        model, run = adapted
        written = {one.name for one in run.iterdir()}
        assert written >= {"run.json", "split.csv", "findings.json", "ladder.json", "evaluation.json", "model"}
        assert written >= {"report.html", "README.md", "events.jsonl"}
        evaluated = graft.evaluate(run)
        assert evaluated.evaluation.part == "test"
        assert evaluated.evaluation.accuracy.value > 0.8
        assert evaluated.test_readings == 1
        (answer,) = graft.predict(run, [next(run.parent.glob("fruit/plum/*.png"))])
        assert answer.classes[0] == "plum"
        settings = json.loads((run / "run.json").read_text())
        assert settings["state"] == "finished"
        assert settings["strategy"]["kind"] == "Full"
        assert settings["strategy"]["plan"]["epochs"] == 8
        exported = graft.export(run)
        assert exported.artifacts[0].parity.passed
        kept = Model.load(str(run / "model"))
        assert np.array_equal(kept.weight, model.weight)
        with pytest.raises(RequestError, match="already holds a run"):
            graft.adapt(SMALL, run.parent / "fruit", HOW["full"], out=run)

    @pytest.mark.slow
    def test_an_audit_does_again_what_made_it(self, folder, tmp_path, monkeypatch):
        monkeypatch.setattr("graft.verbs.audit.LEAST_SECONDS", 2.0)
        graft.adapt(SMALL, folder(lemon=130, plum=130), graft.Full(PLAN), out=str(tmp_path / "run"))
        verdict = graft.audit(tmp_path / "run").verdict
        assert verdict.sentence

    def test_what_was_read_in_another_way_is_read_so_again(self, folder, tmp_path):
        data = graft.load(folder(lemon=20, plum=20), graft.LoadOptions(seed=3, group=r"(\d+)\.png"))
        graft.adapt(SMALL, data, out=tmp_path / "run")
        settings = json.loads((tmp_path / "run" / "run.json").read_text())
        assert (settings["seed"], settings["group"]) == (3, r"(\d+)\.png")
        assert settings["strategy"]["seed"] == 0

    def test_the_same_call_goes_on_after_an_interruption(self, folder, tmp_path):
        data, how = folder(lemon=6, plum=6), graft.Full(replace(PLAN, epochs=2))
        expected = graft.adapt(SMALL, data, how, out=tmp_path / "whole")

        def stop(epoch):
            if epoch.number == 1:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            graft.adapt(SMALL, data, how, on_epoch=stop, out=tmp_path / "run")
        assert json.loads((tmp_path / "run" / "run.json").read_text())["state"] == "stopped"
        with pytest.raises(RequestError, match=r"begun by graft.adapt. Call that again"):
            graft.resume(tmp_path / "run")
        with pytest.raises(RequestError, match="already holds a run"):
            graft.adapt(SMALL, data, graft.Probe(), out=tmp_path / "run")
        model = graft.adapt(SMALL, data, how, out=tmp_path / "run")
        assert np.array_equal(model.weight, expected.weight)

    @pytest.mark.usefixtures("own_cache")  # nothing of them may be known
    def test_pictures_that_cannot_be_read_are_set_aside(self, folder, tmp_path):
        root = folder(lemon=12, plum=12)
        data = graft.load(root)
        first = next(row for row in range(len(data)) if data.parts[row] == 0)
        data.path(first).write_bytes(b"no picture any more")
        graft.adapt(SMALL, data, out=tmp_path / "run")
        findings = json.loads((tmp_path / "run" / "findings.json").read_text())
        assert findings[-1]["kind"] == "unreadable"

    def test_random_weights_leave_nothing_to_audit(self, folder, tmp_path):
        plan = graft.Plan(epochs=1, batch=8, frozen_statistics=False)
        graft.adapt(SMALL, folder(lemon=8, plum=8), graft.Scratch(plan), out=tmp_path / "run")
        with pytest.raises(RequestError, match="nothing was transferred"):
            graft.audit(tmp_path / "run")
