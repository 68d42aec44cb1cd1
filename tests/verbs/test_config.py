"""The settings of a fit as a file: written by every run, run from again, and checked whole."""

import json
import tomllib
from dataclasses import fields, replace

import pytest

import graft
from graft.errors import RequestError
from graft.training.plan import Plan, PlanChanges
from graft.verbs.config import Config, read_config
from verbs.test_dictation import cli

SMALL = "random:timm:test_efficientnet@64"


def test_a_run_writes_what_makes_it_again(folder, tmp_path, capsys):
    data = folder(lemon=24, plum=24)
    changes = PlanChanges(epochs=2, batch_size=8, learning_rate=1e-3, label_smoothing=0.0)
    options = graft.FitOptions(SMALL, "good", graft.LoadOptions(seed=3), changes=changes)
    first = graft.fit(data, tmp_path / "first", options)
    settings = tomllib.loads((first.run / "config.toml").read_text())
    assert settings["epochs"] == 2
    assert settings["seed"] == 3
    code, _ = cli(capsys, "fit", "--config", first.run / "config.toml", "--out", tmp_path / "again", "--json")
    assert code == 0
    kept = [(tmp_path / one / "model" / "model.safetensors").read_bytes() for one in ("first", "again")]
    assert kept[0] == kept[1]
    trained = next(entry for entry in first.ladder if entry["rung"] == "2")
    samples = json.loads((first.run / "run.json").read_text())["samples"]["train"]
    assert trained["steps_planned"] == 2 * -(-samples // 8)  # two epochs, whatever the plan of the family says
    assert json.loads((first.run / "run.json").read_text())["batch_size"] == 8


def test_what_is_typed_counts_more_than_the_file(folder, tmp_path, capsys):
    data = folder(lemon=8, plum=8)
    (tmp_path / "mine.toml").write_text(f'data = "{data.name}"\nbackbone = "{SMALL}"\neffort = "best"\nseed = 5\n')
    code, shown = cli(
        capsys, "fit", "--config", tmp_path / "mine.toml", "--effort", "quick", "--out", tmp_path / "run", "--json"
    )
    assert code == 0, shown.err
    settings = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (settings["effort"], settings["seed"], settings["backbone"]) == ("quick", 5, SMALL)


def test_all_unknown_keys_and_wrong_values_are_told_at_once(tmp_path):
    (tmp_path / "bad.toml").write_text('data = "x"\nbach_size = 8\nlearningrate = 0.1\nseed = "three"\nzzz = 1\n')
    with pytest.raises(RequestError) as caught:
        read_config(tmp_path / "bad.toml")
    told = str(caught.value)
    assert "bach_size is no setting. Was batch_size meant?" in told
    assert "learningrate is no setting. Was learning_rate meant?" in told
    assert "zzz is no setting. There are: data" in told
    assert "seed is 'three'" in told


@pytest.mark.parametrize("content", ["data = ", b"\xff\xfe", None])
def test_what_is_no_toml_is_told(content, tmp_path):
    path = tmp_path / "bad.toml"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(RequestError, match=r"bad.toml (is not TOML|cannot be read)"):
        read_config(path)


def test_training_settings_are_refused_where_nothing_is_trained(folder, tmp_path):
    options = graft.FitOptions(SMALL, "quick", changes=PlanChanges(epochs=3))
    with pytest.raises(RequestError, match="effort quick trains none"):
        graft.fit(folder(lemon=8, plum=8), tmp_path / "run", options)
    options = replace(options, effort="good", changes=PlanChanges(learning_rate=-1.0, batch_size=0))
    with pytest.raises(RequestError, match=r"(?s)batch is 0.*learning_rate is -1"):
        graft.fit(folder(lemon=8, plum=8), tmp_path / "run", options)


def test_without_changes_a_plan_is_what_it_was():
    plan = Plan(epochs=7, least_steps=100)
    assert PlanChanges().on(plan) == plan
    assert not PlanChanges().any
    changed = PlanChanges(epochs=2, learning_rate=1e-3).on(replace(plan, learning_rate=5e-4, head_learning_rate=1e-3))
    assert (changed.epochs, changed.least_steps, changed.head_learning_rate) == (2, 1, 2e-3)


def test_every_switch_of_the_command_is_a_setting():
    """Only what is about this one call has no place in a file."""
    import inspect

    from graft.cli.make import fit

    here = set(inspect.signature(fit).parameters) - {"context", "config", "resume", "replace", "as_json"}
    assert here == {one.name for one in fields(Config)}
