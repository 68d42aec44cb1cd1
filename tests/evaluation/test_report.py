import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from graft import escaping
from graft.evaluation import evaluate_probabilities
from graft.evaluation.exhibit import Samples, find_sample
from graft.evaluation.report import Story, Subject, render
from graft.records import Alarm, ArmResult, Compared, Cost, Estimate, Finding, Ranked, Ranking, Verdict
from graft.storage import sha256_of
from graft.tasks.class_words import MOST_CLASSES, MOST_MISTAKES
from graft.tasks.table import CLASSES


def made(classes: tuple[str, ...], root: Path = Path("nowhere"), findings=(), count: int = 60, story=None):
    rng = np.random.default_rng(0)
    labels = (np.arange(count) % len(classes)).astype(np.int32)
    evaluation = evaluate_probabilities(
        "test",
        rng.dirichlet(np.ones(len(classes)), count),
        labels,
        classes,
        [f"{n}.png" for n in range(count)],
        ["A note."],
        root=str(root),
    )
    subject = Subject("my run", "runs/mine", "today", "0.1", classes, (("Seed", "0"),))
    shown = partial(find_sample, Samples("", {}), Samples(str(root), {f"{n}.png": None for n in range(count)}))
    return render(subject, CLASSES, [("On the test part", evaluation), ("On val", evaluation)], findings, story, shown)


def test_names_of_classes_and_files_cannot_run_code():
    evil = "<script>alert(1)</script>"
    page, _ = made((evil, "plum"), findings=[Finding("x", "warning", evil, (evil,))])
    assert "<script" not in page
    assert "&lt;script&gt;" in page


ATTACKS = ("\x1b[31m", "[link](http://x)", "|", "` `", "\u202egnp", "<b>&lt;", "$(rm)", "# x", "w" * 3000)


def test_names_are_text_alone_on_the_page_and_in_the_card():
    """The card as a reader of Markdown shows it: the same blocks as for plain names, and every name whole."""
    markdown_it = pytest.importorskip("markdown_it")
    reader = markdown_it.MarkdownIt("commonmark", {"html": True}).enable("table")
    findings = [Finding("x", "warning", "".join(ATTACKS), ATTACKS)]
    page, card = made(ATTACKS, findings=findings)
    assert not set(page + card) & set("\x1b\u202e")
    assert "\\u202egnp" in page
    plain = made(tuple("abcdefghi"))[1]
    assert [one.type for one in reader.parse(card)] == [one.type for one in reader.parse(plain)]
    last = reader.parse(card)[-2].children
    assert {one.type for one in last} <= {"text", "text_special"}
    shown = "".join(one.content for one in last)
    assert shown == "Classes: " + ", ".join(escaping.visible(name) for name in ATTACKS)


def test_a_run_with_a_name_that_a_shell_would_read_is_quoted_in_the_card():
    subject = Subject("my & run|<x>", "runs/a & del", "today", "0.1", ("a", "b"), (("Data", "x | y"),))
    _, card = render(subject, CLASSES, [], [], None)
    assert "graft predict 'runs/a & del' FILE..." in card
    assert "# my \\& run\\|\\<x\\>" in card
    assert "| Data | x \\| y |" in card


def test_it_asks_nothing_of_any_other_place():
    page, _ = made(("lemon", "plum"))
    assert "http" not in page
    assert "url(" not in page


def test_the_first_evaluation_is_open_and_the_others_can_be_opened():
    page, card = made(("lemon", "plum"))
    assert page.count("<details>") == 1
    assert page.index("On the test part") < page.index("<details>") < page.index("On val")
    assert card.count("right of 60 pictures (95% interval") == 2


def test_mistakes_show_their_pictures_where_they_are_still_there(tmp_path):
    from conftest import draw

    for number in range(60):
        draw(tmp_path / f"{number}.png", (1, 2, 3), number, side=8)
    page, _ = made(("lemon", "plum", "lime", "quince"), root=tmp_path)
    assert page.count("data:image/jpeg;base64,") == 2 * MOST_MISTAKES
    assert made(("lemon", "plum"))[0].count("data:image/jpeg") == 0


@pytest.mark.parametrize(("count", "drawn"), [(MOST_CLASSES, True), (MOST_CLASSES + 1, False)])
def test_a_matrix_is_drawn_while_it_can_be_read(count, drawn):
    page, _ = made(tuple(f"class {number}" for number in range(count)), count=200)
    assert ("confusion matrix" in page) is drawn


@pytest.mark.parametrize(("classes", "shown"), [(3, True), (40, False)])
def test_a_matrix_shows_its_counts_where_there_is_room(classes, shown):
    page, _ = made(tuple(f"c{number}" for number in range(classes)), count=90)
    matrix = page[page.index("confusion matrix") : page.index("</svg>", page.index("confusion matrix"))]
    counts = [int(count) for count in re.findall(r'text-anchor="middle">(\d+)<', matrix)]
    assert sum(counts) == (90 if shown else 0)


def test_the_card_says_what_to_type_and_keeps_names_on_one_line():
    _, card = made(("two\nlines", "plum"))
    assert "graft predict runs/mine FILE" in card
    assert card.endswith("Classes: two\\\\nlines, plum")


def test_the_climb_the_choice_and_the_verdict_are_shown_where_there_are_any():
    difference = Compared("delivered", "scratch", "Did <pretraining> help?", 0.06, 0.04, 0.08, 0.001, "POSITIVE", None)
    arms = (ArmResult("probe", "the frozen network", 0.7, 1, 3.0), ArmResult("scratch", "from scratch", 0.6, 3, 9.0))
    alarm = Alarm("session", "Thumbnails do well.", blocks=False)
    harmed = ({"class": "plum", "recall_fell_by": 0.2, "samples": 20, "p": 0.01},)
    verdict = Verdict(
        "POSITIVE",
        "Transfer helped: +6.0.",
        "test",
        60,
        arms,
        (difference,),
        (alarm,),
        None,
        harmed,
        (),
        "as long",
        1.0,
    )
    estimate = Estimate(0.7, 0.6, 0.8)
    cost = Cost(1_000_000, 1, 2.0, 4.0, "MIT")
    ranked = Ranked("wheel:a", estimate, estimate, 1.0, True, {}, None, 0.0, cost, 60)
    ranking = Ranking("wheel:a", "It is the only one.", (ranked,), {}, "val", 60, None, "an assumption")
    ladder = [
        {
            "rung": "1",
            "name": "probe",
            "kept": False,
            "why": "w",
            "accuracy": 0.7,
            "seconds": {"a": 1.0},
            "passed_by": "2",
        },
        {"rung": "2", "name": "the last stages", "kept": True, "why": "better", "accuracy": 0.8, "seconds": 12.0},
    ]
    page, card = made(("lemon", "plum"), story=Story(ladder, ranking, verdict))
    for words in (
        "Transfer helped: +6.0.",
        "Thumbnails do well.",
        "It is the only one.",
        "then passed by 2",
        "&lt;pretraining",
    ):
        assert words in page
    assert "Transfer helped" in card
    alone, _ = made(("lemon", "plum"))
    assert "What each stage of training reached" not in alone


def test_only_samples_of_the_split_are_shown_and_only_while_they_hold_what_they_held(tmp_path):
    """An evaluation that a stranger wrote names a file of this machine: its beginning stood on the page."""
    secret = tmp_path / "outside.txt"
    secret.write_text("the password")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "own.txt").write_text("a text of the data")
    root, digest = str(tmp_path / "data"), sha256_of(tmp_path / "data" / "own.txt")
    own = Samples(root, {"own.txt": digest, "../outside.txt": "0" * 64, str(secret): "0" * 64, "a\0b": "0"})
    assert find_sample(own, None, root, "own.txt") == tmp_path / "data" / "own.txt"
    assert find_sample(own, None, str(tmp_path), "outside.txt") is None
    assert find_sample(own, None, "/", str(secret)) is None
    for name in ("../outside.txt", str(secret), "a\0b", "never listed.txt"):
        assert find_sample(own, None, root, name) is None
    (tmp_path / "data" / "own.txt").write_text("something else by now")
    assert find_sample(own, None, root, "own.txt") is None
    assert find_sample(own, Samples(root, {"own.txt": None}), root, "own.txt") is not None
