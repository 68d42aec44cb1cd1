"""What labels are taken for, and that this is told."""

import json

import pytest

from conftest import draw
from graft.data import LoadOptions, load
from graft.errors import DataError, RequestError
from graft.tasks.table import TASKS, recognised, task_of


def taken(labels, asked=None):
    task, why = recognised(labels, asked)
    return task.name, why


def test_words_are_classes_and_nothing_is_said():
    assert taken(["light", "music"] * 20) == ("classification", "")


def test_several_labels_are_seen_by_the_sign_between_them():
    name, why = taken(["a|b", "a", "b|c", "c"] * 10)
    assert name == "multilabel"
    assert "--task classification" in why
    assert taken(["a|b", "a", "b|c", "c"] * 10, "classification") == ("classification", "")


def test_a_sign_that_happens_to_stand_in_names_is_no_list():
    assert taken([f"item {n}|{n * 7}" for n in range(30)])[0] == "classification"


def test_numbers_with_many_values_are_numbers():
    name, why = taken([f"{n * 0.37:.2f}" for n in range(60)])
    assert name == "regression"
    assert "--task classification" in why


@pytest.mark.parametrize(
    "labels",
    [
        [str(n % 5) for n in range(100)],  # five grades
        [str(n % 150) for n in range(15_000)],  # numbers of 150 classes
        [*(str(n) for n in range(40)), "n.a.", "unknown"],  # numbers and words
    ],
    ids=["five", "ids", "mixed"],
)
def test_numbers_that_are_rather_classes_stay_classes(labels):
    assert taken(labels)[0] == "classification"


def test_an_unknown_task_is_named_with_those_there_are():
    with pytest.raises(RequestError, match="no task called 'regresion'.*regression"):
        task_of("regresion")
    assert list(TASKS) == ["classification", "multilabel", "regression", "transcription"]


def texts(path, rows):
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def test_columns_of_yes_and_no_are_labels_and_an_empty_cell_is_not_known(tmp_path):
    rows = [{"text": f"a line of words {n}", "ripe": n % 2, "damaged": [0, 1, None][n % 3]} for n in range(30)]
    dataset = load(texts(tmp_path / "a.jsonl", rows))
    assert dataset.task.name == "multilabel"
    assert dataset.classes == ("damaged", "ripe")
    assert dataset.labels[:4].tolist() == [[0, 0], [1, 1], [-1, 0], [0, 1]]
    written = [dataset.task.write(dataset.classes, one) for one in dataset.labels[:4]]
    assert written == ["", "damaged|ripe", "?damaged", "ripe"]
    assert dataset.task.read(written, dataset.classes).targets.tolist() == dataset.labels[:4].tolist()


def test_a_list_is_several_labels_and_an_empty_one_is_none_of_them(tmp_path):
    lists = [["a", "b"], ["a"], [], ["b", "c"], ["c"], ["a", "c"]]
    rows = [{"text": f"a line of words {n}", "label": lists[n % 6]} for n in range(36)]
    dataset = load(texts(tmp_path / "a.jsonl", rows))
    assert dataset.task.name == "multilabel"
    assert len(dataset) == 36
    assert (dataset.labels == 1).sum(axis=1)[:6].tolist() == [2, 1, 0, 2, 1, 2]
    assert any("none of them" in one.message for one in dataset.findings)


def test_named_columns_of_numbers_are_several_numbers(tmp_path):
    rows = [{"text": f"a line of words {n}", "width": n * 0.5, "height": 3.0 + n % 7} for n in range(30)]
    dataset = load(texts(tmp_path / "a.jsonl", rows), LoadOptions(label="width,height"))
    assert (dataset.task.name, dataset.classes) == ("regression", ("width", "height"))
    assert dataset.task.write(dataset.classes, dataset.labels[3]) == "width=1.5|height=6"


def test_folders_that_share_files_are_labels_and_few_copies_are_contradictions(tmp_path):
    for one in range(120):
        for name, every in (("ripe", 2), ("damaged", 3), ("green", 1 if one % 6 in (1, 5) else 5)):
            if one % every == 0:
                draw(tmp_path / "many" / name / f"{one}.png", (2 * one, 90, 40), one)
    dataset = load(tmp_path / "many")
    assert dataset.task.name == "multilabel"
    assert len(dataset) == 120
    assert (dataset.labels == 1).sum() == len(list((tmp_path / "many").rglob("*.png")))
    for one in range(20):
        draw(tmp_path / "few" / "a" / f"{one}.png", (5 * one, 90, 40), one)
        draw(tmp_path / "few" / "b" / f"{one}.png", (5 * one, 190, 40), 100 + one)
    draw(tmp_path / "few" / "b" / "copy.png", (0, 90, 40), 0)
    dataset = load(tmp_path / "few")
    assert dataset.task.name == "classification"
    assert [one.kind for one in dataset.findings if one.kind == "contradictory"] == ["contradictory"]


def test_one_file_in_several_rows_has_the_labels_of_all(tmp_path):
    lines = ["file,label"]
    for one in range(24):
        draw(tmp_path / f"{one}.png", (9 * one, 90, 40), one)
        lines += [f"{one}.png,red"] + [f"{one}.png,big"] * (one % 2)
        lines += [f"{one}.png,big|round"] * (one % 3 == 0)
    (tmp_path / "a.csv").write_text("\n".join(lines))
    dataset = load(tmp_path / "a.csv")
    assert (dataset.task.name, len(dataset)) == ("multilabel", 24)
    assert dataset.task.write(dataset.classes, dataset.labels[0]) in ("big|round", "big|red|round")


class TestBadInput:
    def numbers(self, tmp_path, values, **options):
        rows = [{"text": f"a line of words {n}", "label": value} for n, value in enumerate(values)]
        return load(texts(tmp_path / "a.jsonl", rows), LoadOptions(task="regression", **options))

    def test_words_and_what_is_not_finite_are_left_out_and_told(self, tmp_path):
        dataset = self.numbers(tmp_path, [*(n * 0.5 for n in range(30)), "heavy", "inf", "-inf", None, "NaN"])
        assert len(dataset) == 30
        told = next(one for one in dataset.findings if one.kind == "unusable-label")
        assert "'heavy' is no number" in told.message
        assert "not finite" in told.message
        assert len(told.sources) == 3

    def test_a_constant_is_refused(self, tmp_path):
        with pytest.raises(DataError, match="same number for every text"):
            self.numbers(tmp_path, [3.5] * 30)

    def test_an_outlier_is_told_kept_and_does_not_set_the_scale(self, tmp_path):
        dataset = self.numbers(tmp_path, [*(n % 10 + 0.5 for n in range(60)), 1e9])
        assert len(dataset) == 61
        assert "slip of the pen" in next(one.message for one in dataset.findings if one.kind == "outlier")
        assert dataset.scale[1, 0] < 10

    def test_classes_are_left_out_by_size_and_numbers_are_not(self, tmp_path):
        with pytest.raises(RequestError, match="numbers are no classes"):
            self.numbers(tmp_path, [n * 0.5 for n in range(30)], min_per_class=3)

    def test_few_samples_are_refused(self, tmp_path):
        with pytest.raises(DataError, match="There are 4 texts; 6 are needed"):
            self.numbers(tmp_path, [0.5, 1.5, 2.5, 3.5])

    def labels(self, tmp_path, values):
        rows = [{"text": f"a line of words {n}", "label": value} for n, value in enumerate(values)]
        return load(texts(tmp_path / "a.jsonl", rows), LoadOptions(task="multilabel"))

    def test_a_label_that_all_samples_have_is_left_out_and_told(self, tmp_path):
        dataset = self.labels(tmp_path, ["always|a", "always|b", "always"] * 12)
        assert dataset.classes == ("a", "b")
        assert "always" in next(one.message for one in dataset.findings if one.kind == "class-not-in-train")

    def test_all_labels_on_all_samples_teach_nothing(self, tmp_path):
        with pytest.raises(DataError, match="both a yes and a no"):
            self.labels(tmp_path, ["a|b"] * 30)

    def test_a_row_of_which_nothing_is_known_is_left_out(self, tmp_path):
        dataset = self.labels(tmp_path, [*["a|b", "a", "b", ""] * 8, "?a|?b", "nan"])
        assert len(dataset) == 32

    @pytest.mark.slow
    def test_five_thousand_labels(self, tmp_path):
        values = ["|".join(f"label {n * 7 % 5000} {k}" for k in range(2)) for n in range(6000)]
        assert len(self.labels(tmp_path, values).classes) > 4000
