import numpy as np
from PIL import Image

from graft.audit import alarms
from graft.modalities.image import IMAGE


def test_near_duplicates_are_named_and_many_of_them_block():
    rng = np.random.default_rng(0)
    train, test = rng.normal(size=(100, 16)), rng.normal(size=(100, 16))
    names = [f"{number}.jpg" for number in range(100)]
    assert alarms.near_duplicates(train, test, names) == []
    test[3] = train[7] + 0.01
    (few,) = alarms.near_duplicates(train, test, names)
    assert not few.blocks
    assert "3.jpg" in few.message
    test[:20] = train[:20]
    (many,) = alarms.near_duplicates(train, test, names)
    assert many.blocks


def test_readings_for_a_model_that_was_changed_afterwards_are_told():
    assert alarms.earlier_models(0) == []
    (told,) = alarms.earlier_models(2)
    assert "read 2 times for an earlier model" in told.message
    assert not told.blocks


def test_a_shortcut_of_the_session_and_one_of_the_task():
    assert alarms.shortcut(0.45, 0.14, 1 / 28)[0].kind == "session"
    assert alarms.shortcut(0.9, 0.9, 0.1)[0].kind == "shortcut"
    assert alarms.shortcut(0.3, 0.3, 0.25) == []


def test_a_pipeline_that_knows_the_answers_is_caught():
    rng = np.random.default_rng(0)
    assert alarms.permuted_labels(rng.random((5, 300)) < 0.2, 0.2) == []
    (caught,) = alarms.permuted_labels(rng.random((5, 300)) < 0.6, 0.2)
    assert caught.blocks


def test_one_permutation_that_agrees_by_chance_is_no_leak():
    """Where all pictures of a class are alike, a permutation is right about whole classes or about none."""
    shares = np.array([2, 0, 1, 0, 1]) / 3
    right = np.arange(300)[None] < 300 * shares[:, None]
    assert alarms.permuted_labels(right, 1 / 3) == []


def test_classes_that_the_size_of_a_file_gives_away(tmp_path):
    rng = np.random.default_rng(0)
    labels = (np.arange(80) % 2).astype(np.int32)
    files = {"told": [], "not": []}
    for number, label in enumerate(labels):
        for name, side in (("told", 20 + 20 * int(label)), ("not", 30)):
            path = tmp_path / f"{name}{number}.png"
            Image.fromarray(rng.integers(255, size=(side, side, 3), dtype=np.uint8)).save(path)
            files[name].append(path)
    for name, kinds in (("told", ["metadata"]), ("not", [])):
        made = [IMAGE.made(path) for path in files[name]]
        found = alarms.metadata(made[:40], labels[:40], made[40:], labels[40:], 0.99)
        assert [one.kind for one in found] == kinds


def test_samples_of_which_nothing_was_noted_raise_no_alarm():
    labels = np.array([0, 1] * 10, np.int32)
    assert alarms.metadata([()] * 20, labels, [()] * 20, labels, 0.9) == []


def test_a_model_that_goes_by_the_surroundings_is_told_and_not_blocked():
    assert alarms.margin("the margin", 0.4, 0.8, 0.1) == []  # 0.3 of 0.7 gained
    assert alarms.margin("the margin", 0.55, 0.95, 0.5) == []
    (alarm,) = alarms.margin("the margin", 0.5, 0.8, 0.1)
    assert alarm.kind == "surroundings"
    assert not alarm.blocks
    assert "From the margin the delivered model tells 50% right, from all of it 80%" in alarm.message
