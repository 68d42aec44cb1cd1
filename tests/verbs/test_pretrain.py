import json

import graft
from graft.verbs.fit import FitOptions, fit
from graft.verbs.pretrain import pretrain


def test_a_pretrained_run_is_a_backbone_with_stages_preprocessing_and_card(folder, tmp_path):
    root = folder(lemon=20, plum=20)
    pretrained = pretrain(root, "timm:test_efficientnet", epochs=2, out=tmp_path / "pretrained", side=64)
    assert pretrained.ladder[0]["epochs"][0]["total"] > 0
    assert json.loads((pretrained.run / "run.json").read_text())["state"] == "finished"
    backbone = graft.open_backbone(f"run:{pretrained.run}")
    assert len(backbone.stages) == 7
    assert backbone.card.preprocess.crop == 64
    assert backbone.card.source == str(root)
    run = fit(root, tmp_path / "run", FitOptions(f"run:{pretrained.run}", "quick"))
    assert run.evaluation.samples


def test_the_same_seed_pretrains_the_same_weights(folder, tmp_path):
    root = folder(lemon=8, plum=8)
    runs = [pretrain(root, "timm:test_efficientnet", 1, tmp_path / name, 32).run for name in "ab"]
    first, second = ((run / "model" / "model.safetensors").read_bytes() for run in runs)
    assert first == second
