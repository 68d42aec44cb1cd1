"""What lies in memory is read as the same samples in files are: the folder of the same pictures is the reference."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

import graft
from conftest import NETWORKS, SAID, WAYS, draw
from graft.data import LoadOptions, load
from graft.data.objects import as_path
from graft.errors import DataError, GraftError, RequestError
from graft.records import PARTS
from graft.verbs.fit import FitOptions, fit, resume

QUICK = FitOptions(NETWORKS["image"], "quick")
CLASSES = (("lemon", (220, 200, 40)), ("plum", (90, 30, 110)))


class Told:
    """A watch that remembers what it was told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def task(self, title, total, unit):
        from graft.progress import SILENT

        return SILENT.task(title, total, unit)

    def say(self, message):
        self.said.append(message)


class Torch:
    """What a torch data set of pictures is, without torch."""

    classes = ["lemon", "plum"]

    def __init__(self, pairs) -> None:
        self.pairs = pairs

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, number):
        if number >= len(self.pairs):
            raise AssertionError("asked beyond its end")
        return self.pairs[number]


class Feature:
    """An Image or Audio feature of Hugging Face."""

    def __init__(self, decode: bool = True) -> None:
        self.decode = decode


class Names:
    """A ClassLabel."""

    def __init__(self, names) -> None:
        self.names = names


class Hugging:
    """The part of `datasets.Dataset` that graft uses: rows by number, features, and a column read without decoding."""

    def __init__(self, rows, features) -> None:
        self.rows = rows
        self.features = features

    @property
    def column_names(self):
        return [*self.features]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number):
        row = dict(self.rows[number])
        for name, feature in self.features.items():
            if getattr(feature, "decode", False):
                raise AssertionError(f"{name} was decoded")
        return row

    def with_format(self, kind):
        assert kind is None
        return self

    def cast_column(self, name, feature):
        return Hugging(self.rows, {**self.features, name: feature})


class Parts(dict):
    """A DatasetDict."""


@pytest.fixture
def files(tmp_path) -> list[tuple[Path, str]]:
    """Pictures in the order in which a folder is read."""
    return [
        (draw(tmp_path / "photos" / name / f"{one:02}.png", colour, 100 * number + one), name)
        for number, (name, colour) in enumerate(CLASSES)
        for one in range(24)
    ]


def opened(files):
    """The same as (PIL picture, label)."""
    return [(picture(path), name) for path, name in files]


def picture(path: Path) -> Image.Image:
    with Image.open(path) as opened:
        return opened.copy()


def pixels(dataset) -> dict[bytes, str]:
    """What a data set shows: the pixels of each sample with its class."""
    return {
        np.asarray(picture(dataset.path(row)).convert("RGB")).tobytes(): dataset.classes[int(dataset.labels[row])]
        for row in range(len(dataset))
    }


def frame(files):
    return pytest.importorskip("pandas").DataFrame(
        {"image": [one for one, _ in opened(files)], "label": [name for _, name in files]}
    )


def torch_set(files):
    return Torch([(np.asarray(picture), Torch.classes.index(name)) for picture, name in opened(files)])


def hugging(files):
    rows = [{"image": {"bytes": path.read_bytes(), "path": None}, "label": int(name == "plum")} for path, name in files]
    return Hugging(rows, {"image": Feature(), "label": Names(["lemon", "plum"])})


WAYS_TO_HOLD = {
    "list": opened,
    "generator": lambda files: (one for one in opened(files)),
    "dicts": lambda files: [{"image": picture, "label": name} for picture, name in opened(files)],
    "paths": lambda files: [*files],
    "strings": lambda files: [(str(path), name) for path, name in files],
    "DataFrame": frame,
    "torch": torch_set,
    "Hugging Face": hugging,
}


@pytest.fixture(params=WAYS_TO_HOLD)
def way(request):
    return WAYS_TO_HOLD[request.param]


class TestTheSameAsAFolder:
    def test_each_way_gives_the_same_content(self, way, files, tmp_path):
        reference, dataset = load(tmp_path / "photos"), load(way(files))
        assert pixels(dataset) == pixels(reference)
        assert dataset.classes == reference.classes
        assert dataset.fingerprint == reference.fingerprint  # of the files' bytes, the labels and the parts

    def test_a_fit_on_each_has_the_same_accuracy(self, way, files, tmp_path):
        reference = fit(tmp_path / "photos", tmp_path / "reference", QUICK)
        run = fit(way(files), tmp_path / "run", QUICK)
        assert run.evaluation.accuracy == reference.evaluation.accuracy
        assert run.evaluation.log_loss == pytest.approx(reference.evaluation.log_loss, abs=1e-9)
        assert graft.evaluate(run.run).evaluation.accuracy == graft.evaluate(reference.run).evaluation.accuracy

    def test_texts(self):
        pairs = [(way.format(one), kind) for kind, names in SAID.items() for one in names for way in WAYS]
        odd = [('a "quoted", text\nof lines; and | more', "odd"), ("# no comment", "odd"), (" spaces\r", "odd")]
        dataset = load([*pairs, *odd])
        found = {text: dataset.classes[int(label)] for text, label in zip(dataset.texts, dataset.labels, strict=True)}
        assert found == {text.strip(): label for text, label in [*pairs, *odd]}

    def test_sounds_keep_every_value(self):
        rng = np.random.default_rng(0)
        waves = [rng.normal(0, 0.2, 4000).astype(np.float32) for _ in range(8)]
        dataset = load([((wave, 8000), "ab"[number % 2]) for number, wave in enumerate(waves)])
        assert dataset.modality.name == "audio"
        for row, source in enumerate(dataset.sources):
            wave, rate = soundfile.read(dataset.path(row), dtype="float32")
            assert rate == 8000
            assert any(np.array_equal(wave, one) for one in waves), source

    def test_sounds_of_whole_numbers_with_channels_on_either_side(self, tmp_path):
        wave = np.stack([np.arange(-2000, 2000, dtype=np.int16), np.arange(4000, dtype=np.int16)], axis=1)
        table = as_path([((wave.T, 8000), "a"), ({"array": wave[:-1], "sampling_rate": 8000}, "b")], tmp_path / "data")
        for name, length in zip(files_of(table), (4000, 3999), strict=True):
            read = soundfile.read(name, dtype="int16")[0]
            assert np.array_equal(read, wave[:length])


def files_of(table: Path) -> list[Path]:
    """The files that a table names, in its order."""
    with table.open(newline="") as file:
        return [table.parent / row["file"] for row in csv.DictReader(file)]


class TestPixels:
    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
    def test_each_mode_keeps_its_pixels(self, mode, tmp_path):
        rng = np.random.default_rng(1)
        if mode == "I;16":
            pictures = [Image.fromarray(rng.integers(65536, size=(20, 30), dtype=np.uint16)) for _ in range(4)]
        else:
            colours = [rng.integers(256, size=(20, 30, 4), dtype=np.uint8) for _ in range(4)]
            pictures = [Image.fromarray(one).convert("RGB" if mode == "P" else "RGBA").convert(mode) for one in colours]
        table = as_path([(given, str(one % 2)) for one, given in enumerate(pictures)], tmp_path / "data")
        for name, given in zip(files_of(table), pictures, strict=True):
            assert np.array_equal(np.asarray(picture(name)), np.asarray(given))

    def test_a_picture_on_its_side_is_turned_upright(self, tmp_path):
        lying = Image.fromarray(np.arange(60, dtype=np.uint8).reshape(6, 10))
        lying.getexif()[0x0112] = 6
        assert picture(*files_of(as_path([(lying, "a")], tmp_path / "data"))).size == (6, 10)

    @pytest.mark.parametrize("kind", ["float32", "float16", "int64"])
    def test_numbers_that_came_from_bytes_are_bytes_again(self, kind, tmp_path):
        content = np.random.default_rng(2).integers(256, size=(8, 9, 3), dtype=np.uint8)
        given = content.astype(kind) if kind == "int64" else (content / 255).astype(kind)
        table = as_path([(given, "a")], tmp_path / "data")
        assert np.array_equal(np.asarray(picture(*files_of(table))), content)

    def test_a_tensor_has_its_channels_first(self, tmp_path):
        torch = pytest.importorskip("torch")
        content = np.random.default_rng(2).integers(256, size=(8, 9, 3), dtype=np.uint8)
        tensor = torch.from_numpy(content).permute(2, 0, 1).float() / 255
        table = as_path([(tensor, torch.tensor(3))], tmp_path / "data")
        assert np.array_equal(np.asarray(picture(*files_of(table))), content)
        assert table.read_text().endswith('.png","3"\n')

    def test_normalised_pixels_are_refused_with_the_way_out(self):
        rng = np.random.default_rng(3)
        with pytest.raises(RequestError, match="normalising: give the pictures as they are"):
            load([(rng.normal(0, 1, (8, 8, 3)), "a"), (rng.normal(0, 1, (8, 8, 3)), "b")])
        with pytest.raises(RequestError, match="none of 256 levels"):
            load([(rng.uniform(0, 1, (8, 8, 3)), "a"), (rng.uniform(0, 1, (8, 8, 3)), "b")])

    def test_a_picture_that_was_only_opened_keeps_its_file_and_is_not_decoded(self, tmp_path):
        colours = np.random.default_rng(4).integers(256, size=(30, 40, 3), dtype=np.uint8)
        Image.fromarray(colours).save(tmp_path / "photo.jpg")
        with Image.open(tmp_path / "photo.jpg") as photo, Image.open(tmp_path / "photo.jpg") as loaded:
            loaded.load()
            first, second = files_of(as_path([(photo, "a"), (loaded, "b")], tmp_path / "data"))
            assert photo.tile
            assert first.read_bytes() == (tmp_path / "photo.jpg").read_bytes()
            assert np.array_equal(np.asarray(picture(second)), np.asarray(loaded))


class TestLabels:
    def dataset(self, labels, **more):
        return load([(f"this is text number {one}", label) for one, label in enumerate(labels)], **more)

    def test_several_labels_as_lists(self):
        dataset = self.dataset([["red", "round"], ["red"], ["round"], ("long",), {"red", "long"}] * 4)
        assert dataset.task.name == "multilabel"
        assert dataset.classes == ("long", "red", "round")
        assert dataset.labels.sum(axis=0).tolist() == [8, 12, 8]

    def test_numbers_with_a_point_are_written_as_in_a_table(self, tmp_path):
        values = [(0.1, 2.5, 1e-7, -3.25)[one % 4] for one in range(40)]
        rows = "".join(f"this is text number {one},{value}\n" for one, value in enumerate(values))
        (tmp_path / "t.csv").write_text("text,label\n" + rows)
        dataset, table = self.dataset(values), load(tmp_path / "t.csv")
        assert dataset.classes == ("-3.25", "0.1", "1e-07", "2.5")
        assert dataset.fingerprint == table.fingerprint
        assert self.dataset([np.float32(one) for one in values]).fingerprint == table.fingerprint

    def test_whole_numbers_and_their_numpy_kin_are_classes(self):
        assert self.dataset([0, np.int64(1), np.array(2)] * 4).classes == ("0", "1", "2")

    def test_missing_ones_are_left_out_and_told(self):
        told = Told()
        dataset = self.dataset(["a", None, "b", float("nan")] * 3, watch=told)
        assert len(dataset) == 6
        (finding,) = [one for one in dataset.findings if one.kind == "unlabelled"]
        assert finding.sources[:2] == ("sample 1", "sample 3")
        assert any("6 samples without a label left out" in one for one in told.said)

    def test_names_of_classes(self):
        pictures = [np.full((8, 8), 10 * one, np.uint8) for one in range(8)]
        data = Torch([(picture, one % 2) for one, picture in enumerate(pictures)])
        assert load(data).classes == ("lemon", "plum")
        dicts = Torch([{"image": one, "class": name, "person": name} for one, name in data.pairs])
        assert load(dicts).classes == ("lemon", "plum")
        subset = Torch(data.pairs)
        subset.classes, subset.dataset = None, data
        assert load(subset).classes == ("lemon", "plum")
        beyond = load(Torch([*data.pairs, (np.zeros((8, 8), np.uint8) + 200, 2), (pictures[0] + 1, -1)]))
        assert len(beyond) == 8
        assert [one.sources for one in beyond.findings if one.kind == "unlabelled"] == [("sample 9",)]
        assert any("its label 2 is beyond the 2 names" in one for found in beyond.findings for one in found.sources)

    def test_names_are_those_of_the_label_and_no_other_column(self, tmp_path):
        picture = np.zeros((8, 8), np.uint8)
        table = as_path(Torch([{"image": picture, "class": 1, "person": 1}]), tmp_path / "data")
        assert table.read_text().endswith('.png","plum","1"\n')

    def test_rows_of_zeros_and_ones_are_several_labels(self):
        pictures = [np.full((8, 8), 10 * one, np.uint8) for one in range(12)]
        rows = ([1, 0], [0, 1], [1, 1])
        dataset = load(Torch([(picture, np.array(rows[one % 3])) for one, picture in enumerate(pictures)]))
        assert dataset.classes == ("lemon", "plum")
        assert dataset.labels.sum(axis=0).tolist() == [8, 8]


class TestFrames:
    pandas = staticmethod(lambda: pytest.importorskip("pandas"))

    def test_the_index_does_not_matter(self, files):
        plain = frame(files)
        shuffled = plain.copy()
        shuffled.index = [3] * 20 + [*range(100, 0, -1)][: len(plain) - 20]
        assert load(shuffled).fingerprint == load(plain).fingerprint
        assert pixels(load(plain.sample(frac=1, random_state=0))) == pixels(load(plain))

    def test_columns_are_those_of_a_table(self, tmp_path):
        rows = [(f"this is text {one}", "ab"[one % 2], PARTS[one % 3], f"p{one // 6}") for one in range(36)]
        table = self.pandas().DataFrame(rows, columns=["Sentence", "kind", "split", "person"])
        table.to_csv(tmp_path / "t.csv", index=False)
        options = LoadOptions(label="kind", group="person")
        dataset, reference = load(table, options), load(tmp_path / "t.csv", options)
        assert dataset.fingerprint == reference.fingerprint
        assert dataset.groups == reference.groups
        assert dataset.split == "given"

    def test_columns_of_yes_and_no_and_missing_values(self):
        pandas = self.pandas()
        rows = [(f"this is text {one}", one % 2 == 0, one % 3 == 0) for one in range(24)]
        table = pandas.DataFrame(rows, columns=["text", "red", "round"]).astype({"red": "boolean"})
        table.loc[0, "red"] = pandas.NA
        assert load(table).classes == ("red", "round")
        table["label"] = pandas.array(["a", "b", pandas.NA] * 8, dtype="string")
        dataset = load(table)
        assert dataset.classes == ("a", "b")
        assert [one.sources[0] for one in dataset.findings if one.kind == "unlabelled"] == ["sample 2"]

    def test_relative_paths_hold_from_where_they_were_written(self, files, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        names = [path.relative_to(tmp_path).as_posix() for path, _ in files]
        table = self.pandas().DataFrame({"file": names, "label": [name for _, name in files]})
        reference = load(tmp_path / "photos")
        assert load(table).fingerprint == reference.fingerprint
        table["file"] = [name.removeprefix("photos/") for name in names]
        below = load(table, LoadOptions(root="photos"))
        assert below.fingerprint == reference.fingerprint
        assert "found-elsewhere" not in {one.kind for one in below.findings}

    def test_one_without_a_column_of_samples_names_its_columns(self, own_cache):
        with pytest.raises(RequestError, match="columns are: height, label"):
            load(self.pandas().DataFrame({"height": [1, 2], "label": ["a", "b"]}))
        with pytest.raises(DataError, match=r"The columns are: text, colour"):
            load(self.pandas().DataFrame({"text": ["one text", "another text"], "colour": ["a", "b"]}))
        with pytest.raises(RequestError, match="DataFrame is empty"):
            load(self.pandas().DataFrame({"text": [], "label": []}))

    def test_a_column_of_any_name_may_hold_pictures(self, files):
        table = frame(files).rename(columns={"image": "scan"})
        table["photo"] = [str(path) for path, _ in files]
        assert load(table).fingerprint == load(frame(files)).fingerprint
        assert "columns" not in {one.kind for one in load(table).findings}  # which could be the samples, too
        assert load(table, LoadOptions(file="scan")).fingerprint == load(frame(files)).fingerprint

    def test_a_column_called_sample_may_be_a_number_beside_texts(self):
        rows = [(one, f"this is text {one}", "ab"[one % 2]) for one in range(12)]
        assert len(load(self.pandas().DataFrame(rows, columns=["sample", "text", "label"]))) == 12
        assert len(load(self.pandas().DataFrame(rows, columns=["id", "sample", "label"]))) == 12

    def test_texts_and_pictures_in_one_column_are_refused(self, files):
        table = frame(files)
        table.loc[0, "image"] = "a.png"
        with pytest.raises(RequestError, match="'image' holds several kinds: 'a.png' in row 0"):
            load(table)

    def test_pairs_are_called_as_the_columns_of_a_run_that_they_are_measured_by(self, files, tmp_path):
        table = frame(files).rename(columns={"image": "scan", "label": "kind"})
        options = FitOptions(NETWORKS["image"], "quick", LoadOptions(file="scan", label="kind"))
        run = fit(table, tmp_path / "run", options)
        fresh = [(np.full((40, 40, 3), colour, np.uint8), name) for name, colour in CLASSES]
        assert graft.evaluate(run.run, fresh).evaluation.samples == 2

    def test_which_of_two_columns_of_pictures(self, files):
        table = frame(files).rename(columns={"image": "scan"})
        table["scan2"] = table["scan"]
        with pytest.raises(RequestError, match=r"Several columns hold pictures or sounds: scan, scan2. Name one"):
            load(table)
        assert len(load(table, LoadOptions(file="scan2"))) == len(files)

    def test_pictures_with_a_text_are_pairs(self, files):
        table = frame(files)
        table["caption"] = table["text"] = [f"taken on day {one}" for one in range(len(table))]
        assert load(table).modality.name == "pair"

    def test_polars(self, files):
        polars = pytest.importorskip("polars")
        table = polars.DataFrame({"file": [str(path) for path, _ in files], "label": [name for _, name in files]})
        assert load(table).fingerprint == load(files).fingerprint

    def test_a_frame_with_rows_alone_as_polars_has_it(self, files):
        class Frame:
            columns = ["file", "label"]

            def __len__(self):
                return len(files)

            def iter_rows(self):
                return iter([(str(path), name) for path, name in files])

        assert load(Frame()).fingerprint == load(files).fingerprint


class TestParts:
    def test_the_keys_of_a_dict_are_the_parts(self, files):
        thirds = {"train": files[::2], "validation": files[1::4], "test": files[3::4], "unsupervised": files[:1]}
        dataset = load(Parts({name: hugging(some) for name, some in thirds.items()}))
        assert dataset.split == "given"
        assert [dataset.count(part) for part in PARTS] == [24, 12, 12]
        assert any("unsupervised: neither" in one for found in dataset.findings for one in found.sources)
        assert dataset.fingerprint == load({name: thirds[name] for name in ("train", "validation", "test")}).fingerprint

    def test_classes_in_another_order_are_refused(self, files):
        other = hugging(files)
        other.features["label"] = Names(["plum", "lemon"])
        with pytest.raises(RequestError, match="name the classes of 'label' differently"):
            load({"train": hugging(files), "test": other})

    def test_columns_of_a_dict_are_no_parts(self):
        with pytest.raises(RequestError, match=r"pandas.DataFrame\(data\)"):
            load({"text": ["a", "b"], "label": [0, 1]})

    def test_hugging_face_itself(self, files):
        datasets = pytest.importorskip("datasets")
        features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["lemon", "plum"])})
        rows = [{"image": str(path), "label": name} for path, name in files]
        assert load(datasets.Dataset.from_list(rows, features)).fingerprint == load(files).fingerprint


class TestBadInput:
    def test_one_bad_sample_is_left_out_with_its_reason(self, files, tmp_path):
        class Broken(Torch):
            def __getitem__(self, number):
                if number == 2:
                    raise OSError("the disk has a scratch")
                return super().__getitem__(number)

        pairs = [(np.asarray(picture), name) for picture, name in opened(files)]
        pairs[5] = (np.zeros((0, 0, 3), np.uint8), "plum")
        told = Told()
        run = fit(Broken(pairs), tmp_path / "run", QUICK, told)
        (aside,) = [one for one in run.set_aside if one.kind == "unreadable"]
        assert aside.count == 2
        assert "sample 2: OSError: the disk has a scratch, sample 5: an array without any pixel" in aside.message
        assert aside.message in told.said
        assert sum(json.loads((run.run / "run.json").read_text())["samples"].values()) == 46

    def test_a_generator_that_ends_early_gives_what_it_gave(self, files):
        def some():
            for number, one in enumerate(opened(files)):
                if number == 30:
                    return
                yield one

        assert len(load(some())) == 30

    def test_a_generator_that_raises_says_how_far_it_came(self, files, own_cache):
        def some():
            yield from opened(files)[:30]
            raise ValueError("no more paper")

        with pytest.raises(RequestError, match="raised ValueError after 30 samples: no more paper"):
            load(some())
        assert [*(own_cache / "data").iterdir()] == []

    def test_a_generator_is_never_held_whole(self, own_cache):
        alive = 0

        class Picture(np.ndarray):
            def __del__(self):
                nonlocal alive
                alive -= 1

        def some():
            nonlocal alive
            for number in range(40):
                alive += 1
                assert alive < 5
                yield np.full((8, 8), 5 * number, np.uint8).view(Picture), "ab"[number % 2]

        assert len(load(some())) == 40

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            ([], "There are no samples in a list"),
            (iter(()), "it is empty, or was walked through before"),
            (
                [(np.zeros((8, 8), np.uint8), "a"), ("a text of words", "b")],
                "sample 0 is a picture, and sample 1 is a tex",
            ),
            ([(Path("a.png"), "a"), ("a text of words", "b")], "sample 0 is a path of a file, and sample 1 is a text"),
            ([((np.zeros(80), 8000), "a"), (np.zeros((8, 8), np.uint8), "b")], "sample 0 is a sound"),
            (["one text", "another"], "A sample of a list is a text, without a label"),
            ([("text", "label", 3)], "is a tuple of 3, without a label"),
            ([(3, "a"), (4, "b")], "None of the 2 samples can be used: sample 0: int '3' is no sample"),
            ([("a text", None)], "None of the 1 samples can be used: sample 0"),
            (3, "graft cannot read labelled samples from an int"),
            (b"abc", "cannot read labelled samples from a bytes"),
        ],
    )
    def test_errors_teach(self, data, message, own_cache):
        with pytest.raises(RequestError, match=message.replace("(", r"\(")):
            load(data)
        assert not (own_cache / "data").exists() or [*(own_cache / "data").iterdir()] == []

    def test_batches_are_refused(self):
        class Loader:
            batch_size, dataset = 4, ()

            def __iter__(self):
                return iter(())

        with pytest.raises(RequestError, match="loader.dataset"):
            load(Loader())

    def test_what_load_gave_goes_to_rank_and_adapt_alone(self, files, tmp_path):
        with pytest.raises(RequestError, match="graft.rank and graft.adapt"):
            fit(load(files), tmp_path / "run", QUICK)

    def test_a_path_that_is_wrong_stays_an_error_of_paths(self):
        with pytest.raises(GraftError, match="is there. Looked for '/nowhere/a.png'"):
            load([("/nowhere/a.png", "a"), ("/nowhere/b.png", "b")])


class TestWhereItLies:
    def test_the_same_data_are_written_once(self, files, own_cache):
        assert load(opened(files)).root == load(one for one in opened(files)).root
        assert len([*(own_cache / "data").iterdir()]) == 1
        load(opened(files[:40]))
        assert len([*(own_cache / "data").iterdir()]) == 2

    def test_a_run_has_its_data_beside_it_and_goes_on_with_them(self, files, tmp_path):
        told = Told()
        run = fit(opened(files), tmp_path / "run", QUICK, told)
        table = tmp_path / "run-data" / "labels.csv"
        assert f"48 samples written to {table.parent} (0." in told.said[0]
        assert json.loads((run.run / "run.json").read_text())["data"] == str(table)
        again = json.loads((run.run / "run.json").read_text())
        (run.run / "run.json").write_text(json.dumps({**again, "state": "stopped"}))
        assert resume(run.run).evaluation.accuracy == run.evaluation.accuracy
        measured = graft.evaluate(run.run)
        assert measured.evaluation.samples == run.test_samples > 0

    def test_what_lies_there_already_is_never_touched(self, files, tmp_path):
        mine = draw(tmp_path / "run-data" / "mine.png", (1, 2, 3), 0)
        run = fit(opened(files), tmp_path / "run", QUICK)
        assert mine.is_file()
        assert json.loads((run.run / "run.json").read_text())["data"] == str(tmp_path / "run-data-2" / "labels.csv")

    def test_a_place_that_is_taken_is_told_before_anything_is_written(self, files, tmp_path):
        draw(tmp_path / "run" / "mine.png", (1, 2, 3), 0)
        with pytest.raises(RequestError, match="is not a run of graft"):
            fit(opened(files), tmp_path / "run", QUICK)
        assert not (tmp_path / "run-data").exists()

    def test_without_a_name_all_lies_under_runs(self, files, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert fit(opened(files), options=QUICK).run == Path("runs/run")
        assert Path("runs/run-data/labels.csv").is_file()

    def test_evaluate_on_other_samples_in_memory(self, files, tmp_path):
        run = fit(opened(files), tmp_path / "run", QUICK)
        fresh = [
            (picture(draw(tmp_path / "fresh" / f"{name}{one}.png", colour, 900 + one)), name)
            for name, colour in CLASSES
            for one in range(6)
        ]
        other = graft.evaluate(run.run, fresh)
        assert other.evaluation.samples == 12
        assert other.evaluation.accuracy.value == 1.0
        assert len(graft.evaluate(run.run, [*fresh, *opened(files)]).evaluation.mistakes) <= 1

    def test_rank_and_adapt_take_them_too(self, files, tmp_path):
        ranking = graft.rank(opened(files), graft.RankOptions(backbones=(NETWORKS["image"],)))
        assert ranking.chosen == NETWORKS["image"]
        model = graft.adapt(NETWORKS["image"], opened(files), out=tmp_path / "run")
        assert model.classes == ("lemon", "plum")
        assert (tmp_path / "run-data" / "labels.csv").is_file()

    def test_a_full_disk_is_told_and_leaves_nothing(self, files, own_cache, monkeypatch):
        import errno

        def full(self, content):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(GraftError, match="the disk is full"):
            load(opened(files))
        monkeypatch.undo()
        assert not any((own_cache / "data").iterdir()) if (own_cache / "data").exists() else True
