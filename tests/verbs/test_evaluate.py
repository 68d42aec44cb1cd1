import json
import shutil

import pytest

from conftest import COLOURS, draw
from graft.errors import RequestError, WorkError
from graft.verbs.evaluate import evaluate
from graft.verbs.fit import FitOptions, fit

QUICK = FitOptions(effort="quick")


@pytest.fixture
def run(folder, tmp_path):
    return fit(folder(lemon=20, plum=20), tmp_path / "run", QUICK).run


def settings(run):
    return json.loads((run / "run.json").read_text())


def test_the_test_part_is_measured_from_its_files_and_counted(run):
    first = evaluate(run)
    assert (first.evaluation.part, first.evaluation.samples, first.test_readings) == ("test", 8, 1)
    assert first.evaluation.accuracy.value == 1
    assert evaluate(run).test_readings == 2


def test_the_report_shows_test_before_cross_validation(run):
    evaluate(run)
    page = (run / "report.html").read_text()
    assert 0 < page.index("On the test set") < page.index("By cross-validation")
    assert set(json.loads((run / "evaluation.json").read_text())) == {"cross-validation", "test"}


def test_other_parts_are_not_counted_and_not_called_fair(run):
    evaluated = evaluate(run, part="val")
    assert evaluated.test_readings == 0
    assert "only the test set is fair" in evaluated.evaluation.notes[0]


def test_few_samples_are_told(run):
    assert any("Only 8 samples" in note for note in evaluate(run).evaluation.notes)


def test_files_that_changed_or_went_are_named(run, tmp_path):
    rows = [line.split(",") for line in (run / "split.csv").read_text().splitlines() if ",test," in line]
    (tmp_path / "fruit" / rows[0][0]).unlink()
    draw(tmp_path / "fruit" / rows[1][0], (0, 0, 0), 1)
    with pytest.raises(WorkError, match="1 gone .* and 1 changed") as caught:
        evaluate(run)
    assert rows[0][0] in str(caught.value)
    assert settings(run)["test_readings"] == []


class TestOtherData:
    def test_classes_are_matched_by_name(self, run, tmp_path):
        """The other folder lacks the first class, so positions would be off by one."""
        for number in range(5):
            draw(tmp_path / "new" / "plum" / f"{number}.png", COLOURS["plum"], 500 + number)
        evaluated = evaluate(run, tmp_path / "new")
        assert (evaluated.evaluation.accuracy.value, evaluated.evaluation.samples) == (1, 5)
        assert settings(run)["test_readings"] == []

    def test_unknown_classes_are_left_out_and_told(self, run, tmp_path):
        for name in ("plum", "quince"):
            draw(tmp_path / "new" / name / "a.png", COLOURS[name], 900)
        evaluation = evaluate(run, tmp_path / "new").evaluation
        assert evaluation.samples == 1
        assert any("1 class left out that the model does not know: quince" in note for note in evaluation.notes)

    def test_pictures_that_the_model_was_fitted_on_are_left_out_and_told(self, run, tmp_path):
        shutil.copytree(tmp_path / "fruit", tmp_path / "new")
        evaluation = evaluate(run, tmp_path / "new").evaluation
        assert evaluation.samples == 8
        assert any("32 pictures left out because the model was fitted on them" in note for note in evaluation.notes)

    def test_unreadable_pictures_do_not_count_and_are_told(self, run, tmp_path):
        draw(tmp_path / "new" / "plum" / "a.png", COLOURS["plum"], 900)
        (tmp_path / "new" / "plum" / "b.jpg").write_bytes(b"")
        evaluation = evaluate(run, tmp_path / "new").evaluation
        assert evaluation.samples == 1
        assert any("cannot be read" in note for note in evaluation.notes)

    def test_nothing_in_common(self, run, tmp_path):
        draw(tmp_path / "new" / "quince" / "a.png", COLOURS["quince"], 900)
        with pytest.raises(RequestError, match="Nothing in .* to measure on.*The model knows: lemon, plum"):
            evaluate(run, tmp_path / "new")


def test_a_run_without_a_test_part(folder, tmp_path):
    run = fit(folder("train", lemon=12, plum=12), tmp_path / "run", QUICK).run
    with pytest.raises(RequestError, match="no test part.*graft evaluate"):
        evaluate(run)


@pytest.mark.parametrize("name", ["findings.json", "evaluation.json"])
def test_a_damaged_run_costs_no_reading(run, name):
    (run / name).unlink()
    with pytest.raises(WorkError, match=name):
        evaluate(run)
    assert settings(run)["test_readings"] == []


def test_test_pictures_in_other_data_are_counted_as_a_reading(run, tmp_path):
    evaluated = evaluate(run, tmp_path / "fruit")
    assert evaluated.test_readings == 1
    assert any("locked test set" in note for note in evaluated.evaluation.notes)


def test_other_data_called_test_does_not_take_the_place_of_the_test_part(run, tmp_path, monkeypatch):
    evaluate(run)
    draw(tmp_path / "test" / "plum" / "a.png", COLOURS["plum"], 900)
    monkeypatch.chdir(tmp_path)
    evaluate(run, "test")
    kept = json.loads((run / "evaluation.json").read_text())
    assert kept["test"]["samples"] == 8
    assert kept[f"data: {tmp_path / 'test'}"]["samples"] == 1
    assert "On other data" in (run / "report.html").read_text()


def test_thumbnails_come_from_the_data_that_was_measured(run, tmp_path):
    """The other folder has a picture of the same name as one of the run, in other colours."""
    draw(tmp_path / "new" / "lemon" / "0.png", COLOURS["plum"], 900)
    evaluation = evaluate(run, tmp_path / "new").evaluation
    assert [mistake.source for mistake in evaluation.mistakes] == ["lemon/0.png"]
    assert evaluation.root == str(tmp_path / "new")
