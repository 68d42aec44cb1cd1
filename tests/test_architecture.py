"""The path is walked in one direction: a step imports only from steps before it."""

import ast
from pathlib import Path

import graft

SOURCE = Path(graft.__file__).parent
ORDER = (
    {"escaping"},
    {"errors", "machine", "records", "progress", "telemetry", "workers"},
    {"storage"},
    {"modalities", "run_folder", "heads"},
    {"evaluation"},
    {"dataset"},
    {"tasks"},
    {"data"},
    {"backbones"},
    {"features"},
    {"training"},
    {"adaptation"},
    {"ranking"},
    {"audit"},
    {"export"},
    {"serving"},
    {"verbs"},
    {"terminal"},
    {"cli"},
    {"__main__"},
)
PLACE = {name: number for number, names in enumerate(ORDER) for name in names}


def room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """The rooms of graft that a file imports, at the top or inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "graft":
            parts = node.module.split(".")[1:]
            found |= {parts[0]} if parts else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("graft.")}
    return found


def test_every_room_has_its_place():
    assert {room(path) for path in SOURCE.rglob("*.py")} - {"__init__"} == set(PLACE)


def test_no_step_imports_a_later_one():
    back = [
        f"{path.relative_to(SOURCE)} imports {name}"
        for path in SOURCE.rglob("*.py")
        if room(path) != "__init__"
        for name in imported_rooms(path)
        if PLACE[name] > PLACE[room(path)] or (PLACE[name] == PLACE[room(path)] and name != room(path))
    ]
    assert back == []


def test_no_file_is_long():
    long = {
        str(path.relative_to(SOURCE)): n
        for path in SOURCE.rglob("*.py")
        if (n := len(path.read_text().splitlines())) > 320
    }
    assert long == {}


TRANSCRIPTS_BESIDE_THE_PATH = {  # whose other half is still in the verbs: to be emptied
    "adaptation/model.py",
    "adaptation/speech_model.py",
    "backbones/model_folder.py",
    "data/table.py",
    "dataset/dataset.py",
    "verbs/evaluate.py",
    "verbs/evaluate_transcripts.py",
    "verbs/fit.py",
    "verbs/predict.py",
    "verbs/report.py",
}


def test_no_room_but_that_of_the_tasks_names_a_task():
    """A new task is one file and a row of the table: nothing else may ask which one it has before it."""
    from graft.tasks.table import TASKS

    named, beside = {}, set()
    for path in SOURCE.rglob("*.py"):
        name = path.relative_to(SOURCE).as_posix()
        if name.startswith("tasks/"):
            continue
        text = path.read_text()
        strings = {
            node.value
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        if found := strings & set(TASKS):
            named[name] = found
        if any(word in text for word in ("transcribed", "writes_transcripts", "TRANSCRIPT,", "TRANSCRIPT ", "SPOKEN")):
            beside.add(name)
    named.pop("data/column_names.py", None)  # a column may be called so
    assert named == {}
    assert beside <= TRANSCRIPTS_BESIDE_THE_PATH


def test_importing_graft_imports_nothing_heavy():
    import subprocess
    import sys

    heavy = ("torch", "numpy", "timm", "openvino", "sklearn", "PIL")
    code = f"import sys, graft, graft.cli; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_answering_needs_no_torch():
    """Torch takes more than a second to import; a kept graph answers without it."""
    import subprocess
    import sys

    code = "import sys, graft.terminal, graft.serving, graft.verbs.fit; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_every_public_word_is_there_and_documented():
    for name in graft.__all__:
        assert getattr(graft, name).__doc__
    assert dir(graft) == graft.__all__


def test_a_word_stays_a_function_whichever_folder_of_its_name_is_imported():
    import subprocess
    import sys

    code = "import graft, graft.audit.compare, graft.export.parity; print(graft.audit.__name__, callable(graft.export))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "audit True"


def test_a_word_that_is_not_there():
    import pytest

    with pytest.raises(AttributeError, match="It has: .*fit"):
        _ = graft.train


def test_the_version_is_told_without_importing_anything_heavy():
    import subprocess
    import sys
    from importlib.metadata import version

    code = "import sys, graft; before = 'importlib.metadata' in sys.modules; print(graft.__version__, before)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == [version("graft-ml"), "False"]
    for flag in ("--version", "-V"):
        result = subprocess.run([sys.executable, "-m", "graft", flag], capture_output=True, text=True, check=True)
        assert result.stdout == f"graft {version('graft-ml')}\n"
