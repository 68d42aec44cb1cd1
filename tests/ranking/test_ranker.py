import pytest

import graft
from graft.errors import RequestError
from graft.ranking.candidates import Limits
from graft.ranking.history import read_history
from graft.ranking.ranker import RankOptions
from graft.run_folder import RunFolder
from graft.verbs.fit import FitOptions, fit
from graft.verbs.rank import rank

TRAINED, RANDOM = "wheel:efficientnet_lite0", "random:timm:test_efficientnet@64"


@pytest.fixture(autouse=True)
def own_history(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAFT_HISTORY", str(tmp_path / "history.json"))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    from conftest import COLOURS, draw

    root = tmp_path_factory.mktemp("rank") / "fruit"
    for number, name in enumerate(("lemon", "plum", "lime")):
        for picture in range(20):
            draw(root / name / f"{picture}.png", COLOURS[name], 1000 * number + picture)
    return graft.load(root)


def test_a_ranking_says_what_it_chose_why_and_what_each_costs(data):
    ranking = rank(data, RankOptions((TRAINED, RANDOM)))
    assert {one.id for one in ranking.candidates} == {TRAINED, RANDOM}
    assert ranking.chosen in ranking.why
    assert ranking.judged_on == "cross-validation"
    for one in ranking.candidates:
        assert one.frozen.low <= one.frozen.value <= one.frozen.high
        assert one.cost.milliseconds > 0
        assert one.scores["probe"] == pytest.approx(one.frozen.value)
    assert "rough prior" in ranking.regime


def test_candidates_that_fail_are_listed_and_all_failing_is_an_error(data):
    ranking = rank(data, RankOptions((RANDOM, "wheel:nothing")))
    assert ranking.chosen == RANDOM
    assert "only candidate" in ranking.why
    assert "There is no backbone" in ranking.left_out["wheel:nothing"]
    with pytest.raises(RequestError, match="No candidate is left. wheel:nothing: There is no backbone"):
        rank(data, RankOptions(("wheel:nothing",)))


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ({"max_params": 1.0}, "3.4 million parameters"),
        ({"max_mb": 5.0}, "13.5 MB"),
        ({"max_ms": 1e-6}, "ms a picture"),
        ({"licences": ("MIT",)}, "its licence is"),
    ],
)
def test_what_is_too_costly_is_left_out_with_its_reason(data, limit, words):
    with pytest.raises(RequestError, match=words):
        rank(data, RankOptions((TRAINED,), limits=Limits(**limit)))


def test_values_out_of_range_are_told_together(data):
    with pytest.raises(RequestError, match=r"(?s)max_ms is 0.*minutes is -1"):
        rank(data, RankOptions(limits=Limits(max_ms=0), minutes=-1))


@pytest.mark.slow
def test_many_candidates_are_compared_on_few_samples_first(data, monkeypatch):
    monkeypatch.setattr("graft.ranking.ranker.FIRST", 15)
    names = tuple(f"random:timm:test_efficientnet@{side}" for side in (32, 48, 64, 96, 128))
    ranking = rank(data, RankOptions((TRAINED, *names)))
    assert len(ranking.candidates) == 6
    assert sorted({one.samples for one in ranking.candidates}) == [15, 48]
    assert all(not one.level and one.flags for one in ranking.candidates if one.samples == 15)


@pytest.mark.slow
def test_a_race_decides_what_a_probe_cannot(data):
    names = tuple(f"random:timm:test_efficientnet@{side}" for side in (64, 96))
    ranking = rank(data, RankOptions(names, race=True))
    if ranking.race:
        assert ranking.chosen in {entry["backbone"] for entry in ranking.race}
        assert "won the race" in ranking.why


def test_a_val_part_that_was_given_judges(folder, monkeypatch):
    monkeypatch.setattr("graft.ranking.ranker.LEAST_VAL", 4)
    folder("train", lemon=10, plum=10)
    root = folder("val", lemon=4, plum=4)
    ranking = rank(root, RankOptions((RANDOM,)))
    assert (ranking.judged_on, ranking.judged) == ("val", 8)


def test_fit_takes_the_backbone_that_ranks_first_and_keeps_why(data, tmp_path):
    fitted = fit(data.root, tmp_path / "run", FitOptions("auto", "quick"))
    run = RunFolder.open(fitted.run)
    ranking = run.read("ranking.json", dict)
    assert run.settings["backbone"] == ranking["chosen"]
    assert ranking["why"]


def test_a_fit_that_trained_is_remembered_and_one_that_did_not_is_not(data, tmp_path):
    fit(data.root, tmp_path / "quick", FitOptions(RANDOM, "quick"))
    assert read_history() == []
    fit(data.root, tmp_path / "good", FitOptions(RANDOM, "good"))
    (past,) = read_history()
    assert (past.backbone, past.classes, past.samples) == (RANDOM, 3, 48)
    assert 0 <= past.probe <= 1
    assert 0 <= past.fine_tuned <= 1


def test_a_fit_that_may_not_begin_is_refused_before_networks_are_compared(data, tmp_path, monkeypatch):
    fit(data.root, tmp_path / "run", FitOptions(RANDOM, "quick"))
    monkeypatch.setattr("graft.verbs.rank.rank", lambda *_: pytest.fail("it compared networks first"))
    with pytest.raises(RequestError, match="already holds a run"):
        fit(data.root, tmp_path / "run", FitOptions("auto", "quick"))


def test_what_the_test_part_said_is_remembered(folder, tmp_path):
    for part, count in (("train", 12), ("test", 6)):
        root = folder(part, lemon=count, plum=count)
    run = fit(root, tmp_path / "run", FitOptions(RANDOM, "good")).run
    (before,) = read_history()
    assert (before.met, before.tested) == (None, 0)
    assert before.foreseen is not None
    met = graft.evaluate(run).evaluation
    (after,) = read_history()
    assert (after.met, after.tested) == (met.accuracy.value, 12)
