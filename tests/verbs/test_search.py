"""What `graft search` finds: jittered copies find what they were made of, the test set stays closed."""

import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

import graft
from conftest import COLOURS, NETWORKS, draw
from graft.errors import RequestError, WorkError
from graft.run_folder import RunFolder
from graft.verbs.search import Searcher, SearchOptions, search

TINY = SearchOptions(NETWORKS["image"])


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Twelve pictures of different shapes and colours, which a packaged network tells apart."""
    root = tmp_path_factory.mktemp("scenes")
    for number in range(12):
        rng = np.random.default_rng(number)
        blocks = Image.fromarray(rng.integers(0, 255, (2 + number % 4, 2 + number // 4, 3), dtype=np.uint8))
        place = root / ("even" if number % 2 == 0 else "odd")
        place.mkdir(exist_ok=True)
        blocks.resize((96, 96), Image.Resampling.NEAREST).save(place / f"{number}.png")
    return root


def brighter(source, place):
    """The same picture with its brightness changed."""
    with Image.open(source) as picture:
        picture.point(lambda value: min(255, int(value * 1.1) + 4)).save(place)
    return place


@pytest.mark.parametrize("number", [0, 5, 11])
def test_the_nearest_to_a_brighter_copy_is_the_picture_itself(scenes, tmp_path, number):
    name = f"{'even' if number % 2 == 0 else 'odd'}/{number}.png"
    [found] = graft.search(scenes, [brighter(scenes / name, tmp_path / "query.png")], top=3)
    assert found.nearest[0].source == name
    assert found.nearest[0].label == name.split("/")[0]
    assert found.nearest[0].cosine > 0.9
    assert [one.cosine for one in found.nearest] == sorted((one.cosine for one in found.nearest), reverse=True)
    assert len(found.nearest) == 3


def test_cosines_are_those_of_the_embedded_features(scenes, tmp_path):
    query = brighter(scenes / "odd" / "3.png", tmp_path / "query.png")
    (tmp_path / "alone").mkdir()
    shutil.copy(query, tmp_path / "alone")
    rows, one = graft.embed(scenes), graft.embed(tmp_path / "alone")
    by_hand = rows.features @ one.features[0]
    by_hand /= np.linalg.norm(rows.features, axis=1) * np.linalg.norm(one.features[0])
    [found] = search(scenes, query, top=12)
    got = {near.source: near.cosine for near in found.nearest}
    assert [got[source] for source in rows.sources] == pytest.approx(by_hand, abs=3e-3)


def test_the_own_copies_of_a_query_are_left_out_and_named(scenes, tmp_path):
    root = shutil.copytree(scenes, tmp_path / "scenes")
    shutil.copy(root / "even" / "0.png", root / "odd" / "copy.png")
    [found] = search(root, [root / "even" / "0.png"], top=99)
    assert set(found.copies) == {"even/0.png", "odd/copy.png"}
    assert len(found.nearest) == 11
    assert not set(found.copies) & {near.source for near in found.nearest}


def test_a_picture_in_memory_is_a_query(scenes):
    with Image.open(scenes / "odd" / "7.png") as picture:
        picture.load()
    [found] = search(scenes, picture, top=1)
    assert found.nearest[0].source == "odd/7.png"
    assert found.nearest[0].cosine == pytest.approx(1, abs=1e-2)


def test_an_unreadable_query_does_not_stop_the_others(scenes, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"")
    bad, good = search(scenes, [tmp_path / "broken.png", scenes / "odd" / "7.png"])
    assert bad.error == "the file is empty (0 bytes)"
    assert bad.nearest == ()
    assert len(good.nearest) == 5


def test_a_flat_folder_is_searched_without_labels(tmp_path):
    for number in range(3):
        draw(tmp_path / "flat" / f"{number}.png", COLOURS["lime"], number)
    [found] = search(tmp_path / "flat", tmp_path / "flat" / "1.png", options=TINY)
    assert {(near.source, near.label) for near in found.nearest} == {("0.png", ""), ("2.png", "")}


def test_texts_find_texts_of_their_kind(tmp_path):
    rows = ["text,label", "the cat is asleep,animal", "a dog barks,animal", "where is the hammer,tool"]
    (tmp_path / "texts.csv").write_text("\n".join([*rows, "sharpen the saw,tool"]) + "\n")
    tool, own = search(tmp_path / "texts.csv", ["lend me a hammer please", "a dog barks"], top=1)
    assert tool.nearest[0].source == "texts.csv:4"
    assert tool.nearest[0].label == "tool"
    assert own.copies == ("texts.csv:3",)


@pytest.fixture
def run(fitted, tmp_path):
    """The finished run with data of its own."""
    data = shutil.copytree(RunFolder.open(fitted.run).settings["data"], tmp_path / "fruit")
    run = RunFolder.open(shutil.copytree(fitted.run, tmp_path / "run"))
    run.update(data=str(data))
    return run


def part(run, *names):
    return {row["source"] for row in run.read_split() if row["part"] in names}


def test_a_run_is_searched_through_its_own_network_but_for_its_test_set(run, tmp_path):
    query = draw(tmp_path / "plum.png", COLOURS["plum"], 4321)
    before = run.settings["test_readings"]
    [found] = search(run.path, query, top=999)
    assert {near.source for near in found.nearest} == part(run, "train", "val")
    assert found.nearest[0].label == "plum"
    assert Searcher(run.path).backbone.card.id == f"run:{run.path}"
    assert run.settings["test_readings"] == before


def test_a_test_sample_as_query_finds_no_test_sample(run):
    source = sorted(part(run, "test"))[0]
    [found] = search(run.path, f"{run.settings['data']}/{source}", top=999)
    assert found.copies == ()
    assert not {near.source for near in found.nearest} & part(run, "test")


def test_what_changed_or_went_since_the_run_is_told_and_left_out(run, tmp_path):
    from pathlib import Path

    data = Path(run.settings["data"])
    gone, changed = sorted(part(run, "train"))[:2]
    (data / gone).unlink()
    draw(data / changed, COLOURS["lime"], 999)
    draw(data / "plum" / "new.png", COLOURS["plum"], 998)

    class Listener:
        said: list[str] = []

        def say(self, message):
            self.said.append(message)

        def task(self, title, total, unit):
            from contextlib import nullcontext

            return nullcontext(lambda count: None)

    [found] = search(run.path, draw(tmp_path / "plum.png", COLOURS["plum"], 4321), 999, watch=Listener())
    assert {near.source for near in found.nearest} == part(run, "train", "val") - {gone, changed}
    assert any(one.startswith("2 pictures of the run changed or gone") for one in Listener.said)


def test_a_run_whose_data_went_says_what_to_do(run):
    shutil.rmtree(run.settings["data"])
    with pytest.raises(WorkError, match="--backbone run:"):
        search(run.path, ["x.png"])


@pytest.mark.parametrize(
    ("queries", "top", "told"), [(["nowhere.png"], 5, "not found"), ([], 5, "Nothing"), ([], 0, "top")]
)
def test_a_wrong_request_is_told_before_any_work(scenes, queries, top, told, monkeypatch):
    monkeypatch.setattr("graft.verbs.search.extract", lambda *arguments: pytest.fail("features were computed"))
    with pytest.raises(RequestError, match=told):
        search(scenes, queries, top)


EVIL = '"><img src=x onerror=alert(1)>'


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.pictures, self.tags, self.addresses = 0, [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        known = dict(attrs)
        assert not any(name.startswith("on") for name in known)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]


def test_the_page_stands_alone_shows_thumbnails_and_escapes_names(scenes, tmp_path):
    root = shutil.copytree(scenes, tmp_path / "scenes")
    (root / "even").rename(root / EVIL)
    query = brighter(root / EVIL / "0.png", tmp_path / f"{EVIL}.png")
    page = tmp_path / "out" / "page.html"
    search(root, query, 3, SearchOptions(page=page))
    read = Page(page.read_text("utf-8"))
    assert len(read.addresses) == 4
    assert all(one.startswith("data:image/jpeg;base64,") for one in read.addresses)
    assert "script" not in read.tags
    assert "width=device-width" in page.read_text("utf-8")
    assert "&lt;img src=x onerror=alert(1)&gt;/0.png" in page.read_text("utf-8")


def test_a_page_that_is_there_is_kept_unless_it_may_be_replaced(scenes, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("mine")
    with pytest.raises(RequestError, match="--replace"):
        search(scenes, scenes / "odd" / "1.png", 1, SearchOptions(page=page))
    assert page.read_text() == "mine"
    search(scenes, scenes / "odd" / "1.png", 1, SearchOptions(page=page, replace=True))
    assert "odd/1.png" in page.read_text("utf-8")


def test_the_words_of_texts_stand_on_the_page(tmp_path):
    (tmp_path / "texts.csv").write_text("text\n<b>the cat</b> is asleep\nwhere is the hammer\n")
    search(tmp_path / "texts.csv", ["a <i>cat</i>", "so " * 5000], 1, SearchOptions(page=tmp_path / "page.html"))
    page = (tmp_path / "page.html").read_text("utf-8")
    assert len(page) < 10_000
    assert "&lt;b&gt;the cat&lt;/b&gt; is asleep" in page
    assert "a &lt;i&gt;cat&lt;/i&gt;" in page
