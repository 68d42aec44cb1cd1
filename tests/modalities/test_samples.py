"""One place opens samples, and one bad sample never ends the others."""

import ast
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import graft
from graft.errors import MissingExtraError, RequestError
from graft.modalities.image import IMAGE, ImageModality
from graft.modalities.limits import MOST, Budget, most
from graft.modalities.modality import UnreadableError
from graft.modalities.samples import checked, opened, tried
from graft.modalities.text import TEXT

SOURCE = Path(graft.__file__).parent
LEAVES = {"image.py", "text.py", "audio.py", "pair.py", "samples.py"}
NAMES = ("modality", "IMAGE", "TEXT", "AUDIO", "PAIR", "kind")
ONLY_IN_SAMPLES = {"decode", "check", "accept", "made"}


class PanicException(BaseException):
    """What a library in Rust raises."""


class Failing(ImageModality):
    """Pictures whose decoder raises."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def decoding_bytes(self, content):
        return 1

    def check(self, content):
        raise self.error

    def decode(self, source, preprocess=None):
        raise self.error

    def accept(self, thing):
        raise self.error


def test_nobody_else_decodes_checks_or_accepts_samples():
    calls = [
        f"{path.relative_to(SOURCE)}:{node.lineno} {ast.unparse(node.func)}"
        for path in SOURCE.rglob("*.py")
        if path.name not in LEAVES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ONLY_IN_SAMPLES
        and ast.unparse(node.func.value).split(".")[-1] in NAMES
    ]
    assert calls == []


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RecursionError("deep"),
        OSError("disk"),
        OverflowError("large"),
        KeyError("x"),
        ValueError("frames must be specified"),
        SystemError("returned NULL"),
        PanicException("called unwrap"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_is_raised_becomes_the_reason(error, tmp_path):
    (tmp_path / "one.png").write_bytes(b"bytes")
    failing = Failing(error)
    assert checked(failing, tmp_path / "one.png").error
    for source in (tmp_path / "one.png", b"bytes", object()):
        with pytest.raises(UnreadableError):
            opened(failing, source)
        assert isinstance(tried(failing, source), UnreadableError)


@pytest.mark.parametrize("error", [MissingExtraError("soundfile", "audio"), KeyboardInterrupt()])
def test_what_concerns_the_whole_machine_is_raised(error):
    with pytest.raises(type(error)):
        opened(Failing(error), b"bytes")


def test_what_a_reason_says_is_one_short_printable_line():
    told = str(tried(Failing(ValueError("a\x1b[31m\n" + "b" * 9_000)), b""))
    assert told.isprintable()
    assert len(told) < 400


def test_an_error_that_is_kept_keeps_nothing_of_its_sample():
    error = tried(Failing(MemoryError()), b"bytes")
    assert error.__traceback__ is None
    assert error.__cause__ is None


@pytest.mark.parametrize("name", ["a\0b.png", "a\ud800.png", "caf\udce9.png", "a" * 5_000, ""])
def test_names_that_no_file_can_have(name, tmp_path):
    assert checked(IMAGE, tmp_path / name).error


def test_texts_with_half_a_character_are_told():
    assert "not UTF-8" in str(tried(TEXT, "half \ud800"))
    assert "not UTF-8" in str(tried(TEXT, "latin \udce9"))
    assert "empty" in str(tried(TEXT, ""))


def test_a_file_larger_than_asked_for_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAFT_MOST_FILE_MB", "1")
    (tmp_path / "one.txt").write_bytes(b"word " * 300_000)
    assert "GRAFT_MOST_FILE_MB" in str(checked(TEXT, tmp_path / "one.txt").error)


@pytest.mark.parametrize("written", ["-1", "0", "many", "1e9", "²"])
def test_a_limit_that_is_no_number_is_told(written, monkeypatch):
    monkeypatch.setenv("GRAFT_MOST_PIXELS", written)
    with pytest.raises(RequestError, match="GRAFT_MOST_PIXELS"):
        most("GRAFT_MOST_PIXELS")


def test_limits_have_their_defaults():
    assert {name: most(name) for name in MOST} == MOST


def test_threads_hold_no_more_than_the_budget_and_a_large_one_goes_alone(monkeypatch):
    monkeypatch.setenv("GRAFT_DECODING_MB", "10")
    budget, together, alone = Budget(), [], []

    def work(size: int) -> None:
        with budget.hold(size):
            together.append(budget.held)
            time.sleep(0.002)
            if size > 10_000_000:
                alone.append(budget.held)

    threads = [threading.Thread(target=work, args=(size,)) for size in [4_000_000] * 12 + [25_000_000] * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert budget.held == 0
    assert max(one for one in together if one != 25_000_000) <= 10_000_000
    assert alone == [25_000_000] * 2


def test_decoding_holds_its_room(monkeypatch):
    from graft.modalities import samples

    budget = Budget()
    monkeypatch.setattr(samples, "DECODING", budget)
    opened(IMAGE, _png(), lambda picture: np.asarray(picture))
    assert budget.largest == 40 * 30 * 8
    assert budget.held == 0


def _png() -> bytes:
    import io

    content = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(content, "PNG")
    return content.getvalue()
