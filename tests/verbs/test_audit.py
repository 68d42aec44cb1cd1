"""The whole audit on small networks."""

import json
from types import SimpleNamespace

import pytest

from conftest import COLOURS, draw
from graft.errors import RequestError
from graft.verbs.audit import _Auditor, audit
from graft.verbs.evaluate import evaluate
from graft.verbs.fit import FitOptions, fit

KEYS = {"majority", "shortcut", "random", "scratch", "probe", "permuted", "delivered"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    root = tmp_path_factory.mktemp("audit") / "fruit"
    for number, name in enumerate(("lemon", "plum", "lime")):
        for part, count in (("train", 12), ("test", 20)):
            for picture in range(count):
                seed = 10_000 * number + 1000 * (part == "test") + picture
                draw(root / part / name / f"{picture}.png", COLOURS[name], seed)
    fitted = fit(root, root.parent / "run", FitOptions("random:timm:test_efficientnet@64", "quick"))
    return fitted.run


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr("graft.verbs.audit.LEAST_SECONDS", 2.0)


def test_an_audit_trains_the_arms_compares_them_and_keeps_the_verdict(run):
    for _ in range(2):
        evaluate(run)  # of one and the same model: nothing that an audit should blame
    audited = audit(run)
    verdict = audited.verdict
    assert not any(" read " in alarm.message for alarm in verdict.alarms)
    assert {arm.key for arm in verdict.arms} == KEYS
    assert verdict.judged_on == "test"
    assert verdict.samples == 60
    assert len(verdict.comparisons) == 5
    assert verdict.sentence
    assert json.loads((run / "verdict.json").read_text())["finding"] == verdict.finding
    assert json.loads((run / "run.json").read_text())["test_readings"][-1]["purpose"] == "audit"
    assert verdict.label_efficiency["labels"][-1] == 36
    assert "surroundings" in {alarm.kind for alarm in verdict.alarms}  # colour fills these pictures to the margin
    assert all(stage["weights_moved"] == 0 and stage["alike"] == pytest.approx(1) for stage in verdict.layers)


def test_a_test_part_of_one_group_has_intervals_all_the_same():
    """Drawing groups again would draw the same one each time, and be sure of anything."""
    sources = ["a", "b", "c"]
    auditor = object.__new__(_Auditor)
    auditor.dataset = SimpleNamespace(has_groups=True, sources=sources, groups=["x", "x", "x"])
    assert auditor._groups_of(sources) is None
    auditor.dataset.groups = ["x", "y", "x"]
    assert auditor._groups_of(sources).tolist() == [0, 1, 0]


def test_data_that_changed_are_refused_with_what_changed(run, tmp_path):
    root = run.parent / "fruit" / "train" / "lemon"
    content = (root / "0.png").read_bytes()
    draw(root / "0.png", (1, 2, 3), 5)
    try:
        with pytest.raises(RequestError, match=r"is not what it was.*train/lemon/0.png"):
            audit(run)
    finally:
        (root / "0.png").write_bytes(content)


@pytest.mark.parametrize("parts", [("train", "test"), ("train", "val")])
def test_too_few_samples_are_told_before_anything_is_trained_or_read(parts, folder, tmp_path, monkeypatch):
    for part, count in zip(parts, (12, 6), strict=True):
        root = folder(part, lemon=count, plum=count)
    run = fit(root, tmp_path / "run", FitOptions("random:timm:test_efficientnet@64", "quick")).run
    monkeypatch.setattr("graft.verbs.audit._Auditor", lambda *a: pytest.fail("an arm was begun"))
    judged = 12 if "test" in parts else 36
    with pytest.raises(RequestError, match=f"TOO FEW.*{judged} pictures.*than 50.*Nothing was trained.*77 for 10"):
        audit(run)
    assert json.loads((run / "run.json").read_text())["test_readings"] == []
    assert not (run / "verdict.json").exists()


@pytest.mark.slow
def test_a_run_without_a_test_part_is_cross_validated(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("graft.verbs.audit.FOLDS", 2)
    folder("train", lemon=30, plum=30)
    root = folder("val", lemon=5, plum=5)
    fitted = fit(root, tmp_path / "run", FitOptions("random:timm:test_efficientnet@64", "quick"))
    verdict = audit(fitted.run).verdict
    assert verdict.judged_on == "cross-validation"
    assert verdict.samples == 70
    assert {arm.key for arm in verdict.arms} == KEYS
    assert verdict.label_efficiency is None


def test_a_pretrained_run_has_nothing_to_audit(folder, tmp_path):
    from graft.verbs.pretrain import pretrain

    run = pretrain(folder(lemon=8, plum=8), "timm:test_efficientnet", 1, tmp_path / "run", 64).run
    with pytest.raises(RequestError, match="pretrained from random weights"):
        audit(run)


def test_an_effort_that_is_not_known(run):
    with pytest.raises(RequestError, match="quick, full"):
        audit(run, "slow")
