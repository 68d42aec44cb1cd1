"""What was said of a table when a run was made holds when it is measured, resumed and asked."""

import pytest

from conftest import draw
from graft import LoadOptions
from graft.modalities.modality import UnreadableError
from graft.run_folder import RunFolder
from graft.serving import Predictor
from graft.serving.predictor import in_order
from graft.verbs.evaluate import evaluate, part_of_run
from graft.verbs.fit import FitOptions, fit, options_of


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """A table in the way of old Windows, of pictures that lie in a folder beside its own."""
    root = tmp_path_factory.mktemp("labelled")
    lines = ["où;étiquette"]
    for number in range(20):
        for place, name in enumerate(("né", "été")):
            draw(root / "photos" / f"{place}_{number}.png", (200 - 150 * place, 60, 60), 10 * number + place, 64)
            lines.append(f"{place}_{number}.png;{name}")
    (root / "meta").mkdir()
    (root / "meta" / "labels.csv").write_bytes("\n".join(lines).encode("cp1252"))
    return root / "meta" / "labels.csv"


@pytest.fixture(scope="module")
def run(labelled):
    load = LoadOptions(file="où", label="étiquette", encoding="cp1252")
    options = FitOptions("random:timm:test_efficientnet@64", "quick", load)
    return fit(labelled, labelled.parent.parent / "run", options).run


def test_options_of_a_table_stand_in_the_run_and_find_its_rows_again(labelled, run):
    folder = RunFolder.open(run)
    assert {name: folder.settings[name] for name in ("file", "label", "encoding", "root")} == {
        "file": "où",
        "label": "étiquette",
        "encoding": "cp1252",
        "root": str(labelled.parent.parent / "photos"),
    }
    assert evaluate(run).evaluation.samples == folder.settings["samples"]["test"]
    assert part_of_run(folder, "val").contents[0].parent == labelled.parent.parent / "photos"


def test_resuming_reads_the_same_table(run):
    folder = RunFolder.open(run)
    folder.update(state="stopped")
    load = options_of(folder.unfinished())
    folder.update(state="finished")
    assert (load.file, load.encoding, load.root) == ("où", "cp1252", folder.settings["root"])


def test_other_tables_are_read_by_the_columns_of_the_run(labelled, run):
    other = labelled.parent / "other.csv"
    draw(labelled.parent / "new.png", (190, 70, 60), 999)
    other.write_text("étiquette,où\nné,new.png\nété,gone.png\n", encoding="utf-8")
    assert evaluate(run, other).evaluation.samples == 1
    found = list(Predictor(run).predict(other, load=LoadOptions()))
    assert [bool(one.error) for one in found] == [False, True]


def test_a_bad_row_is_its_own_answer_in_its_place():
    def answers(sources):
        yield from enumerate(one.upper() for one in sources)

    named = [("1", "a"), ("2", UnreadableError("3 fields")), ("3", "b")]
    assert [str(answer) for _, answer in in_order(named, answers)] == ["A", "3 fields", "B"]
