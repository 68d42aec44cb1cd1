"""Every fenced block of every document is run as a reader would type it, or stands below with the reason why not.

The blocks run in a folder that holds small data under the names that the documents use, with a small network for the
packaged one of pictures. What a command prints is not compared with what a document shows. Artifacts have READMEs of
their own: tests/export/test_usage.py runs those.
"""

import re
import shlex
import shutil
from pathlib import Path

import pytest
import soundfile
from typer.main import get_command

import graft
from conftest import draw
from documents import Block, blocks_of
from graft.backbones import DEFAULTS
from graft.cli import app, main
from graft.verbs.fit import FitOptions, fit
from verbs.test_dictation import songs, sung

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / name for name in ("README.md", "README.zh-CN.md", "CONTRIBUTING.md")]
DOCUMENTS += sorted((ROOT / "docs").rglob("*.md"))
SMALL = "random:timm:test_efficientnet@64"

SHOWN = "shown, nothing to type: "
NOT_RUN = {  # first lines of the blocks that are not run, in any document
    "make demo": "installs an environment; CI runs it",
    "make test": "runs these tests",
    "python3 -m venv .venv": "installs an environment; CI runs it",
    ".venv/bin/graft demo --text --out runs/demo-text": "minutes, on packages that are optional",
    "2. graft evaluate runs/demo": SHOWN + "what the demo prints",
    "photos/": SHOWN + "a folder",
    "runs/photos/": SHOWN + "a folder",
    "file,text,speaker": SHOWN + "a table",
    '// build.gradle: implementation("org.pytorch:executorch-android:1.5.0")': "Kotlin: needs the tools of Android",
    "import CoreML": "Swift: needs a Mac",
    "from datasets import load_dataset": "fetches a data set; tests/data/test_objects.py reads one that was made up",
}
PARSED_ONLY = {  # commands that are taken apart, but not run
    "graft serve runs/photos/export/app": "runs until Ctrl-C; tests/serving/test_host.py serves",
    "graft audit runs/photos --effort full": "the audit before it goes the same way with less training",
    "graft rank photos": "opens all installed networks; tests/verbs/test_rank.py ranks small ones",
    "graft rank photos --backbone wheel:efficientnet_lite0 --backbone timm:resnet18.a1_in1k": "weights from a hub",
    "graft rank photos --max-ms 5 --max-mb 20 --licence Apache": "goes by the speed of the machine",
    "graft fit photos --backbone auto": "opens all installed networks; tests/verbs/test_rank.py chooses by rank",
    "graft export runs/photos --to openvino": "tests/contracts/test_target.py writes each kind",
}
SHORTER = {  # the only commands and lines that are changed, so that all of it takes a minute
    "graft fit words.csv --group speaker --out runs/words": "graft fit words.csv --group speaker --out runs/words "
    "--effort quick",
    "wheel:efficientnet_lite0": SMALL,
    "from_stage=5": "from_stage=4",  # the small network has fewer stages
    "graft export runs/photos --to app": "graft export runs/photos --to app --variant fp32",
}


def commands_of(text: str) -> list[list[str]]:
    """The words of each graft command in a block of lines, without what follows a hash."""
    lines = [shlex.split(line, comments=True) for line in text.splitlines()]
    return [line for line in lines if line]


def runs(block: Block) -> bool:
    return block.title not in NOT_RUN


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """Data under the names that the documents use, and a run of them."""
    root = tmp_path_factory.mktemp("reader")
    for number, (name, colour) in enumerate((("apple", (200, 40, 40)), ("pear", (190, 200, 60)))):
        for one in range(140):  # an audit judges by 50 test pictures at least
            draw(root / "photos" / name / f"tree{one // 2}_{one}.png", colour, 1000 * number + one)
        draw(root / "a_folder" / f"{name}.png", colour, 5000 + number)
    shelf, sizes = [("file", "label")], [("file", "label")]
    for one in range(48):
        red, green = one % 2, one // 2 % 2
        draw(root / "shelf" / f"{one}.png", (220 * red, 220 * green, 40), 7000 + one)
        shelf.append((f"shelf/{one}.png", "|".join(["ripe"] * red + ["damaged"] * green)))
        draw(root / "sizes" / f"{one}.png", (5 * one, 5 * one, 40), 8000 + one)
        sizes.append((f"sizes/{one}.png", f"{one / 2:.1f}"))
    for name, rows in (("shelf", shelf), ("sizes", sizes)):
        (root / f"{name}.csv").write_text("\n".join(map(",".join, rows)))
    shutil.copy(root / "a_folder" / "pear.png", root / "new.jpg")  # by its content a PNG, as happens
    table = songs(root / "recordings", 36)
    rows = table.read_text().replace("singer", "speaker", 1).splitlines()
    (root / "words.csv").write_text("\n".join([rows[0], *(f"recordings/{row}" for row in rows[1:])]) + "\n")
    soundfile.write(root / "new.wav", sung("ab", 99), 8000)
    fit(root / "photos", root / "runs" / "photos", FitOptions(SMALL, "quick"))
    return root


@pytest.fixture
def reader(prepared, tmp_path, monkeypatch) -> Path:
    """A copy of the folder to type in, and a page for the app where the real one was not built."""
    place = shutil.copytree(prepared, tmp_path / "reader")
    monkeypatch.chdir(place)
    monkeypatch.setitem(DEFAULTS, "image", SMALL)
    monkeypatch.setattr("graft.verbs.audit.LEAST_SECONDS", 2.0)
    from graft.export import to_app

    if not (to_app.PAGE / "index.html").is_file():
        (tmp_path / "page").mkdir()
        (tmp_path / "page" / "index.html").write_text("<title>graft</title>")
        (tmp_path / "page" / to_app.WEB_MANIFEST).write_text("{}")
        monkeypatch.setattr(to_app, "PAGE", tmp_path / "page")
    return place


def shortened(text: str) -> str:
    for wanted, instead in SHORTER.items():
        text = text.replace(wanted, instead)
    return text


def typed(words: list[str]) -> None:
    """Run one command as the shell would; it must succeed."""
    if shlex.join(words) in PARSED_ONLY:
        return
    assert words[0] == "graft", f"{words[0]} is not run here: add the block to NOT_RUN with the reason"
    code: object = 0
    try:
        main(shlex.split(shortened(shlex.join(words)))[1:])
    except SystemExit as stop:
        code = stop.code or 0
    assert code == 0, shlex.join(words)


def carry_out(block: Block) -> None:
    if block.language == "python":
        exec(compile(shortened(block.text), block.title, "exec"), {"__name__": "__main__"})
    else:
        for words in commands_of(block.text):
            typed(words)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_document_tells_to_run_runs(document, reader):
    for block in filter(runs, blocks_of(document.read_text("utf-8"))):
        carry_out(block)


def test_the_model_card_of_a_run_tells_what_runs(reader):
    (block,) = blocks_of(Path("runs/photos/README.md").read_text("utf-8"))
    (words,) = commands_of(block.text.replace("FILE...", "new.jpg"))
    typed(words)


def test_the_python_of_the_ladder_runs(reader):
    """A model of one strategy is measured afterwards: this once failed, so it is tried each time."""
    (block,) = [one for one in blocks_of((ROOT / "docs/ladder.md").read_text("utf-8")) if one.language == "python"]
    carry_out(block)
    assert Path("runs/photos-partial/report.html").is_file()


def test_what_is_not_run_is_listed_and_nothing_else():
    blocks = [block for document in DOCUMENTS for block in blocks_of(document.read_text("utf-8"))]
    lines = {shlex.join(words) for block in filter(runs, blocks) for words in commands_of_console(block)}
    assert NOT_RUN.keys() - {block.title for block in blocks} == set()
    assert PARSED_ONLY.keys() - lines == set()
    assert {wanted for wanted in SHORTER if not any(wanted in block.text for block in blocks)} == set()
    assert {block.language for block in filter(runs, blocks)} <= {"", "python"}


def commands_of_console(block: Block) -> list[list[str]]:
    return [] if block.language == "python" else commands_of(block.text)


INLINE = re.compile(r"`(graft [a-z][^`]*)`")


def told_commands() -> list[str]:
    """All commands with arguments, fenced and within sentences."""
    found: list[str] = []
    for document in DOCUMENTS:
        text = document.read_text("utf-8")
        found += [shlex.join(words) for block in filter(runs, blocks_of(text)) for words in commands_of_console(block)]
        found += [" ".join(one.split()) for one in INLINE.findall(text)]
    return sorted({one for one in found if len(one.split()) > 2})


@pytest.mark.parametrize("command", told_commands())
def test_every_command_in_a_document_is_one_that_graft_knows(command):
    """Verbs, options and the number of arguments; nothing is run."""
    words = shlex.split(command.replace("…", ""), comments=True)[1:]
    group = get_command(app)
    verb = group.get_command(None, words[0])  # type: ignore[arg-type, attr-defined]
    assert verb is not None, command
    verb.make_context(words[0], words[1:])


def test_the_public_words_of_python_in_the_documents_exist():
    for document in DOCUMENTS:
        for name in re.findall(r"`?graft\.([A-Za-z_]+)\(", document.read_text("utf-8")):
            assert hasattr(graft, name), f"{document.name}: graft.{name}"
