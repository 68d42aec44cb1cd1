"""Runs, models, artifacts and apps as somebody else could have changed them, with fresh checksums: told, every time."""

import json
import os
import re
import resource
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from graft.adaptation.model import Model
from graft.adaptation.speech_model import SpeechModel, writes_transcripts
from graft.errors import GraftError, RequestError, WorkError
from graft.export.artifact import Artifact
from graft.modalities.table import modality_of
from graft.records import PARTS
from graft.run_folder import RunFolder
from graft.verbs.evaluate import evaluate, part_of_run
from graft.verbs.report import write_report
from strangers import (
    KINDS,
    describe,
    make_artifact,
    make_run,
    mutate,
    mutate_bytes,
    mutate_safetensors,
    put_tensors,
    put_tokenizer,
    renamed_trunk,
    seal,
    seal_again,
    tokenizer_json,
)

MOST_SECONDS, MOST_BYTES = 5, 1_000_000_000  # of one case


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    root = tmp_path_factory.mktemp("strangers")
    return {kind: make_run(kind, root / kind / "run") for kind in KINDS}


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    root = tmp_path_factory.mktemp("artifacts")
    return {kind: make_artifact(kind, root / kind) for kind in ("image", "text")}


@pytest.fixture
def run(runs, tmp_path):
    return lambda kind: shutil.copytree(runs[kind], tmp_path / kind / "run")


@pytest.fixture
def artifact(artifacts, tmp_path):
    return lambda kind: shutil.copytree(artifacts[kind], tmp_path / kind)


def use(run: Path) -> None:
    """Open the model of a run and let its network and its head answer one sample."""
    model = RunFolder.open(run).model
    if writes_transcripts(model):
        speech = SpeechModel.load(model)
        wave = np.random.default_rng(0).normal(0, 0.1, 20_000).astype(np.float32)
        ((_, frames),) = speech.listen([(wave, 16_000)])
        speech.guesses(frames)
        return
    import torch

    opened = Model.load(model)
    card, modality = opened.backbone.card, opened.modality
    network = opened.backbone.module
    sample = modality.prepare("the cats", card.preprocess) if modality.name == "text" else None
    sample = modality.example(card.preprocess) if sample is None else sample
    with torch.no_grad():
        features = network(modality.entry(card.preprocess)(torch.from_numpy(np.array(sample[None])))).numpy()
    opened.answers_of_features(features)


def use_artifact(folder: Path) -> None:
    """Open an artifact and let it answer one sample."""
    opened = Artifact(folder)
    sample = "the cats" if opened.modality.name == "text" else np.zeros((40, 50, 3), np.uint8)
    list(opened.predict([sample]))


def test_the_runs_themselves_are_used(runs, artifacts):
    for kind, run in runs.items():
        use(run)
        write_report(RunFolder.open(run))
        assert kind == "transcript" or part_of_run(RunFolder.open(run), "val").sources == ["1.bin"]
    for folder in artifacts.values():
        use_artifact(folder)


def put(*path, value):
    """A change of one value of model.json."""

    def change(described):
        *before, last = path
        for key in before:
            described = described[key]
        described[last] = value

    return change


def architecture(**changes):
    """A change of the configuration that the network is built from."""

    def change(described):
        kind, _, config = described["backbone"]["architecture"].partition(":")
        described["backbone"]["architecture"] = f"{kind}:{json.dumps({**json.loads(config), **changes})}"

    return change


PREPROCESS = ("backbone", "preprocess")
CHANGED = {
    "a crop of 20,000": ("image", put(*PREPROCESS, "crop", value=20_000), "crop"),
    "a crop of nothing": ("image", put(*PREPROCESS, "crop", value=0), "crop"),
    "a spread of nothing": ("image", put(*PREPROCESS, "std", value=[0, 1, 1]), "std"),
    "temperature of nothing": ("image", put("temperature", value=1e-9), "temperature"),
    "temperature of all": ("image", put("temperature", value=1e9), "temperature"),
    "no number": ("image", put("unknown_threshold", value=float("nan")), "unknown_threshold"),
    "two classes alike": ("image", put("classes", value=["plum", "plum", "lime"]), "more than once"),
    "an empty class": ("image", put("classes", value=["", "plum", "lime"]), "classes"),
    "a class of blanks": ("image", put("classes", value=["  ", "plum", "lime"]), "cannot be shown"),
    "a class that moves the cursor": ("image", put("classes", value=["a\x1b[2J", "b", "c"]), "cannot be shown"),
    "a class more": ("image", put("classes", value=["a", "b", "c", "d"]), "head.weight"),
    "another width": ("image", put("backbone", "width", value=7), "head.weight"),
    "another modality": ("image", put("modality", value="text"), "modality"),
    "preprocess of texts": ("image", put("backbone", "modality", value="text"), "preprocess"),
    "one that writes pictures": ("image", put("kind", value="transcript"), "writes down"),
    "a network of the hub": ("image", put("backbone", "architecture", value="timm:hf-hub:a/b"), "none that graft"),
    "a network too large": (
        "image",
        put("backbone", "architecture", value="timm:vit_giant_patch14_224"),
        "larger than its weights",
    ),
    "a picture of sounds, huge": (
        "image",
        put("backbone", "architecture", value="spectrogram@99999+timm:test_efficientnet"),
        "none that graft",
    ),
    "a trunk of another name": ("image", put("trunk", value="0" * 64), "does not hold the trunk"),
    "code from the hub": ("text", architecture(auto_map={"AutoModel": "evil.Model"}), "names code"),
    "attention from the hub": ("text", architecture(_attn_implementation="someone/attention"), "names code"),
    "trust": ("text", architecture(trust_remote_code=True), "names code"),
    "a path in a word": ("text", architecture(hidden_act="../evil"), "out of range"),
    "a network of timm": ("text", architecture(model_type="timm_wrapper"), "another library"),
    "a billion positions": ("text", architecture(max_position_embeddings=10**9), "out of range"),
    "a million layers": ("text", architecture(num_hidden_layers=10**6), "out of range"),
    "a large vocabulary": ("text", architecture(vocab_size=2**20), "larger than its weights"),
    "more tokens than positions": ("text", put(*PREPROCESS, "tokens", value=500), "cannot be built or run"),
    "a filling that no row stands for": ("text", put(*PREPROCESS, "pad", value=2**20), "token number"),
    "samples without end": ("audio", put(*PREPROCESS, "samples", value=10**9), "samples"),
    "least above most": ("audio", put(*PREPROCESS, "least", value=400_000), "from least to most"),
    "a letter of two": ("transcript", put("classes", value=["ab", "c", "d"]), "cannot be shown"),
    "a letter more": ("transcript", put("classes", value=["a", "b", "c", "d"]), "head.weight"),
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_changed_description_is_told(run, name):
    kind, change, told = CHANGED[name]
    changed = run(kind)
    describe(changed, change)
    with pytest.raises(WorkError, match=told) as raised:
        use(changed)
    assert "weights_only" not in str(raised.value)
    assert "trust_remote_code=True" not in str(raised.value)


def test_what_fitting_can_give_is_in_range(run):
    """The temperature is fitted between e^-8 and e^8."""
    for temperature in (np.exp(-8), np.exp(8)):
        changed = run("image")
        describe(changed, put("temperature", value=float(temperature)))
        use(changed)
        shutil.rmtree(changed.parent)


@pytest.mark.parametrize("change", [lambda w: w[:2], lambda w: w.astype(np.float64), lambda w: w * np.nan])
def test_a_head_of_another_shape_type_or_without_numbers(run, change):
    from safetensors.numpy import load_file

    changed = run("image")
    tensors = load_file(changed / "model" / "model.safetensors")
    put_tensors(changed, {**tensors, "head.weight": np.ascontiguousarray(change(tensors["head.weight"]))})
    with pytest.raises(WorkError, match="head.weight"):
        use(changed)


def test_files_that_are_not_listed_are_missing_or_are_links(run, tmp_path):
    for what in ("more", "gone", "link", "unlisted"):
        changed = run("image")
        weights, sums = changed / "model" / "model.safetensors", changed / "model" / "checksums.json"
        if what == "more":
            (changed / "model" / "notes.py").write_text("")
        elif what == "gone":
            sums.write_text(json.dumps({**json.loads(sums.read_text()), "tokenizer.json": "0"}))
        elif what == "link":
            shutil.move(weights, tmp_path / "elsewhere")
            os.symlink(tmp_path / "elsewhere", weights)
        else:
            listed = json.loads(sums.read_text())
            sums.write_text(json.dumps({key: value for key, value in listed.items() if key != weights.name}))
        with pytest.raises(WorkError, match="not those that graft wrote"):
            use(changed)
        shutil.rmtree(changed.parent)
    kept = run("image")
    (kept / "model" / ".DS_Store").write_bytes(b"what a desktop leaves")
    use(kept)


def longer_words(described):
    described["model"]["max_input_chars_per_word"] = 10**6


def text_twice(described):
    template = described["post_processor"]["single"]
    template.insert(1, template[1])


def growing_texts(described):
    described["normalizer"]["normalizers"][1]["content"] = "a" * 99


def numbers_beyond_the_network(described):
    special = described["post_processor"]["special_tokens"]
    next(iter(special.values()))["ids"] = [10**6]


def without_model(described):
    described.clear()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (longer_words, "1,000 are the most"),
        (text_twice, "more than once"),
        (growing_texts, "many times longer"),
        (without_model, "cannot be read"),
        (numbers_beyond_the_network, "do not belong together"),
        ("", "is no JSON"),
        ("[" * 200_000, "is no JSON"),
        ("[]", "is no JSON object"),
    ],
)
def test_a_changed_tokenizer_is_told(run, change, told):
    content = change
    if not isinstance(change, str):
        described = json.loads(tokenizer_json())
        change(described)
        content = json.dumps(described)
    changed = run("text")
    put_tokenizer(changed, content)
    with pytest.raises(WorkError, match=told):
        use(changed)


def test_a_panic_of_the_tokenizer_is_told(monkeypatch, runs):
    """Rust's panics reach Python as a `BaseException` of their own."""
    import graft.modalities.text

    class PanicException(BaseException):
        pass

    class Panicking:
        def encode(self, text):
            raise PanicException("index out of bounds")

    model = Model.load(runs["text"] / "model")
    monkeypatch.setattr(graft.modalities.text, "opened", lambda sha256, content: Panicking())
    with pytest.raises(WorkError, match="cannot split a text: index out of bounds"):
        model.modality.prepare("a cat", model.backbone.card.preprocess)


def test_a_stranger_s_evaluation_shows_no_file_of_this_machine(run, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("the password of this machine")
    changed = run("image")
    evaluations = json.loads((changed / "evaluation.json").read_text())
    mistake = evaluations["val"]["mistakes"][0]
    for source, root in (
        (str(secret), "/"),
        ("secret.txt", str(tmp_path)),
        ("../../secret.txt", str(changed / "data")),
    ):
        evaluations["val"] |= {"noun": "text", "root": root, "mistakes": [{**mistake, "source": source}]}
        (changed / "evaluation.json").write_text(json.dumps(evaluations))
        assert "password" not in write_report(RunFolder.open(changed)).read_text()


@pytest.mark.parametrize("confused", [[0, 9, 1], [-1, 0, 1], [0, 1, 10**6], [0, 1, 0]])
def test_figures_that_contradict_each_other_are_told(run, confused):
    changed = run("image")
    evaluations = json.loads((changed / "evaluation.json").read_text())
    next(iter(evaluations.values()))["confusion"] = [confused]
    (changed / "evaluation.json").write_text(json.dumps(evaluations))
    with pytest.raises(WorkError, match="confused"):
        write_report(RunFolder.open(changed))


def test_a_split_names_nothing_outside_of_the_data(run, tmp_path):
    for source in ("../outside.bin", str(tmp_path / "outside.bin")):
        changed = run("image")
        (tmp_path / "outside.bin").write_bytes(b"\1")
        split = (changed / "split.csv").read_text().replace("2.bin", source)
        (changed / "split.csv").write_text(split)
        seal(changed)
        with pytest.raises(WorkError, match="outside of its data"):
            evaluate(changed)
        assert json.loads((changed / "run.json").read_text())["test_readings"] == []
        shutil.rmtree(changed.parent)


def test_a_pipe_in_the_place_of_a_sample_is_not_waited_for(run, tmp_path):
    changed = run("image")
    data = tmp_path / "pipes"
    data.mkdir()
    os.mkfifo(data / "2.bin")
    settings = json.loads((changed / "run.json").read_text())
    (changed / "run.json").write_text(json.dumps({**settings, "data": str(data)}))
    with pytest.raises(WorkError, match="1 gone"):
        evaluate(changed)


def test_a_model_struck_from_the_manifest_is_noticed(artifact):
    changed = artifact("image")
    seal_again(changed, lambda manifest: manifest["sha256"].pop("model.onnx"))
    (changed / "model.onnx").write_bytes(b"another model")
    with pytest.raises(WorkError, match="not listed in manifest.json: model.onnx"):
        use_artifact(changed)


MANIFESTS = {
    "a crop of 20,000": (put("preprocess", "crop", value=20_000), "preprocess.crop"),
    "no rate": (put("modality", value="audio"), "preprocess"),
    "another kind": (put("modality", value="pair"), "modality"),
    "a class more": (put("classes", value=["a", "b", "c", "d"]), "does not answer"),
    "classes alike": (put("classes", value=["a", "a", "c"]), "more than once"),
    "no threshold": (put("unknown_threshold", value=2), "unknown_threshold"),
    "another runtime": (put("target", value="openvino"), "cannot be built or run"),
    "a list of runtimes": (put("target", value=["onnx"]), "target"),
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_changed_manifest_is_told(artifact, name):
    change, told = MANIFESTS[name]
    changed = artifact("image")
    seal_again(changed, change)
    with pytest.raises(GraftError, match=told):
        use_artifact(changed)


def test_a_damaged_graph_is_told(artifact):
    changed = artifact("image")
    (changed / "model.onnx").write_bytes(b"\x08\x01" + bytes(100))
    seal_again(changed)
    with pytest.raises(WorkError, match="cannot be built or run"):
        use_artifact(changed)


def changed_run(rng: np.random.Generator, runs: dict[str, Path], place: Path) -> None:
    """One of the runs with one of its files changed, and all checksums fresh; then everything reads it."""
    kind = str(rng.choice(KINDS, p=(0.4, 0.44, 0.08, 0.08)))  # networks of sounds take longest
    run = shutil.copytree(runs[kind], place / "run")
    model = run / "model"
    choice = int(rng.integers(10))
    if choice < 4:
        path = model / "model.json"
        path.write_text(json.dumps(mutate(rng, json.loads(path.read_text()))))
    elif choice < 6:
        path = model / "model.safetensors"
        path.write_bytes(mutate_safetensors(rng, path.read_bytes()))
        renamed_trunk(run)
    elif choice == 6 and kind == "text":
        put_tokenizer(run, json.dumps(mutate(rng, json.loads(tokenizer_json()))))
    elif choice == 7:
        path = run / str(rng.choice(["run.json", "evaluation.json", "findings.json"]))
        path.write_text(json.dumps(mutate(rng, json.loads(path.read_text()))))
    elif choice == 8:
        path = run / "split.csv"
        path.write_bytes(mutate_bytes(rng, path.read_bytes()))
    else:
        path = model / str(rng.choice(["model.json", "checksums.json", "model.safetensors"]))
        path.write_bytes(mutate_bytes(rng, path.read_bytes()))
    if rng.random() < 0.95 and path_is_whole(model):
        seal(run)
    refused(lambda: use(run))
    if choice >= 6:
        refused(lambda: write_report(RunFolder.open(run)))
        for part in PARTS:
            refused(lambda part=part: part_of_run(RunFolder.open(run), part))


def path_is_whole(model: Path) -> bool:
    return all((model / name).is_file() for name in ("model.json", "model.safetensors"))


def changed_artifact(rng: np.random.Generator, artifacts: dict[str, Path], place: Path) -> None:
    """The same for an artifact."""
    folder = shutil.copytree(artifacts[str(rng.choice(list(artifacts)))], place / "artifact")
    choice = int(rng.integers(4))
    if choice < 2:
        manifest = folder / "manifest.json"
        seal_again(folder, lambda described: described.update(mutate(rng, {**described}) or {}))
        if choice:
            manifest.write_text(json.dumps(mutate(rng, json.loads(manifest.read_text()))))
    else:
        names = ["manifest.json", "model.onnx", "parity.json"]
        path = folder / str(rng.choice(names + ["tokenizer.json"] * (folder / "tokenizer.json").is_file()))
        path.write_bytes(mutate_bytes(rng, path.read_bytes()))
        if path.name != "manifest.json":
            seal_again(folder)
    refused(lambda: use_artifact(folder))


def refused(do) -> None:
    """Whatever is done is done, or told as an error of graft."""
    try:
        do()
    except GraftError as error:
        told = str(error)
        assert told.strip()
        assert "weights_only" not in told


FOUND = (2130, 2295, 3040, 4604)  # cases of the thousands that once ended in something else


def battery(runs, artifacts, tmp_path, seeds) -> None:
    """One case for each seed: nothing but `GraftError`, 5 s of computing, 1 GB at the most."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for seed in seeds:
        rng, place = np.random.default_rng(seed), tmp_path / "case"
        began = time.process_time()
        try:
            if rng.random() < 0.75:
                changed_run(rng, runs, place)
            else:
                changed_artifact(rng, artifacts, place)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
        finally:
            shutil.rmtree(place, ignore_errors=True)
        assert time.process_time() - began < 2 * MOST_SECONDS, f"seed {seed}"  # of two cores
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert 1024 * grown < MOST_BYTES, f"{grown / 1e6:.1f} GB more"


@pytest.mark.filterwarnings("ignore")
def test_no_change_by_chance_ends_in_anything_but_an_error_of_graft(runs, artifacts, tmp_path):
    battery(runs, artifacts, tmp_path, [*range(200), *FOUND])


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.filterwarnings("ignore")
def test_nor_do_thousands(runs, artifacts, tmp_path):
    battery(runs, artifacts, tmp_path, range(1000, 5000))


def test_a_text_is_never_a_path(runs, tmp_path, monkeypatch):
    """Nothing that somebody types opens a file."""
    from graft.serving.predictor import expand

    text = modality_of("text")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "typo.csv").write_text("text\nfrom a table\n")
    typed = ["", "data", "/usr", "/etc/passwd", "typo.csv", ".", "x" * 5000, "a\0b", "\udcff", "~", "~/.ssh"]
    for inputs in (typed, *typed):
        assert all(isinstance(source, bytes) for _, source in expand(inputs, text))
    assert [name for name, _ in expand(tmp_path / "typo.csv", text)] == ["typo.csv:2"]
    with pytest.raises(RequestError, match="2 paths not found: gone.csv, a cat.*--text"):
        list(expand([Path("gone.csv"), Path("a cat"), "a cat"], text))
    with pytest.raises(RequestError, match="no text"):
        list(expand([7], text))


def test_an_empty_text_or_half_a_character_does_not_stop_the_others(runs):
    from graft.serving import Predictor

    answers = list(Predictor(runs["text"]).predict(["a cat", "", "\udcff", "a\0b", "x" * 2_000_000, "/etc/passwd"]))
    assert [bool(one.error) for one in answers] == [False, True, True, True, True, False]
    assert len(answers[0].classes) == 3


def test_pictures_are_named_by_strings_too(tmp_path):
    from graft.serving.predictor import expand

    (tmp_path / "a.png").write_bytes(b"")
    assert next(expand(str(tmp_path), modality_of("image")))[1] == tmp_path / "a.png"
    with pytest.raises(RequestError, match="1 path not found") as raised:
        list(expand("a\0b", modality_of("image")))
    assert "--text" not in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["a cat"], "not found.*--text"),
        (["typo.csv"], "not found.*--text"),
        ([], "Nothing to predict"),
        (["--text", "a cat"], None),
    ],
)
def test_the_command_takes_texts_by_their_own_option(runs, capsys, arguments, told):
    from graft.cli import main

    with pytest.raises(SystemExit) as stopped:
        main(["predict", str(runs["text"]), *arguments, "--json"])
    out, err = capsys.readouterr()
    if told is None:
        assert (stopped.value.code, "lemon" in out) == (0, True)
    else:
        assert stopped.value.code == 2
        assert re.search(told, " ".join(err.split()))


def test_a_model_of_pictures_takes_no_texts(runs, capsys):
    from graft.cli import main

    with pytest.raises(SystemExit, match="2"):
        main(["predict", str(runs["image"]), "--text", "a cat"])
    assert "models of texts" in " ".join(capsys.readouterr().err.split())
