"""What every command ends with, on terminals of 40 columns and more, with names that attack a terminal."""

import dataclasses
import io
import re
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graft import records, terminal
from graft.evaluation.error_rates import ErrorRates, Misheard, TranscriptEvaluation
from graft.export.parity import Parity
from graft.export.ship import Shipped
from graft.features.cache import Kept
from graft.ranking.history import Past
from graft.records import Prediction, Transcription
from graft.tasks.table import CLASSES
from graft.terminal import console
from graft.verbs.audit import Audited
from graft.verbs.demo import Demonstration
from graft.verbs.embed import Embedded
from graft.verbs.evaluate import Evaluated
from graft.verbs.export import Exported
from graft.verbs.fit import Fitted
from graft.verbs.models import Listed
from graft.verbs.search import Found, Near

EVIL = "a\nb\x1b[31m\u202e[bold]|=1+1\\\\\\"
RUN = Path("runs/a & $(rm)")
SHARE = records.Interval(0.8712, 0.8123, 0.9188)
SURE = records.Estimate(0.8712, 0.8123, 0.9188)


def made(kind: type, **known: Any) -> Any:
    """A record with what is known, and nothing in every other field that has no default."""
    empty = {"tuple": (), "None": None, "str": "", "bool": False}
    for field in dataclasses.fields(kind):
        if field.name not in known and field.default is field.default_factory is dataclasses.MISSING:
            known[field.name] = next((value for word, value in empty.items() if word in str(field.type)), 0)
    return kind(**known)


def evaluation() -> records.Evaluation:
    scores = tuple(made(records.ClassScore, name=one, recall=0.51, support=12_345) for one in (EVIL, "plum", "x" * 90))
    return made(
        records.Evaluation,
        part="test",
        samples=1234,
        accuracy=SHARE,
        balanced_accuracy=SHARE,
        per_class=scores,
        confusion=((0, 1, 5),),
        notes=("Only a few samples: the interval is wide.",),
        noun="picture",
    )


LADDER = (
    {"rung": "1", "name": "probe", "kept": True, "why": "the head with the least log-loss on cross-validation"},
    {"rung": "2b", "name": "head on several stages", "kept": False, "why": "unclear: +0.3 points, interval from -0.4"},
)
FITTED_LADDER = tuple({**one, "accuracy": 0.8712, "log_loss": 0.4321, "seconds": 123.4} for one in LADDER)
SPELLED = tuple({**one, "word_error_rate": 0.1234, "letter_error_rate": 0.0567, "seconds": 99.0} for one in LADDER)
RATES = ErrorRates(SHARE, SHARE, SHARE)


def transcripts() -> TranscriptEvaluation:
    return made(
        TranscriptEvaluation,
        part="test",
        samples=1234,
        words=4321,
        rates=RATES,
        greedy=RATES,
        known_words=RATES,
        resampled="groups",
        misheard=(made(Misheard, source=EVIL, said="turn the light on", heard=EVIL),),
        noun="recording",
    )


def fitted(of: Any = None, ladder: Any = FITTED_LADDER) -> Fitted:
    return made(Fitted, run=RUN, evaluation=of or evaluation(), ladder=ladder, test_samples=1234, seconds=61.5)


def ranking() -> records.Ranking:
    cost = made(records.Cost, milliseconds=12.3, megabytes=18.4)
    one = made(records.Ranked, id="wheel:efficientnet_lite0", frozen=SURE, fine_tuned=SURE, cost=cost, best=0.7)
    other = dataclasses.replace(one, id="torchvision:" + "efficientnet_v2_s", level=True, flags=("seen " + EVIL,))
    return made(
        records.Ranking,
        chosen=one.id,
        why="It ranks first.",
        candidates=(one, other),
        left_out={EVIL: EVIL},
        noun="picture",
        regime="a rough prior",
    )


def audited() -> Audited:
    compared = made(
        records.Compared, question="Did the pretraining help?", difference=0.06, low=0.04, high=0.08, finding="POSITIVE"
    )
    verdict = made(
        records.Verdict,
        finding="POSITIVE",
        sentence="Transfer helped: +6.0.",
        arms=(made(records.ArmResult, name="the same network from scratch", accuracy=0.8123, seeds=3, seconds=1234.0),),
        comparisons=(compared,),
        harmed=({"class": EVIL, "recall_fell_by": 0.2},),
        noun="picture",
    )
    return made(Audited, run=RUN, verdict=verdict, report=RUN / "report.html")


def exported() -> Exported:
    parity = made(
        Parity,
        variant="fp16",
        checked_on="test",
        samples=30,
        agreement=0.9912,
        accuracy=SHARE,
        model_accuracy=SHARE,
        accuracy_difference=records.Interval(0.001, -0.012, 0.014),
        milliseconds=12.3,
        model_milliseconds=45.6,
        megabytes=9.8,
    )
    one = made(Shipped, variant="fp16", folder=RUN / "export", megabytes=9.8, parity=parity)
    refused = made(Shipped, variant="int8", error=f"int8 is not shipped: {EVIL}", megabytes=5.4, parity=parity)
    return made(Exported, target="app", artifacts=(one, refused), recommended=RUN / "export" / "app", chosen="fp16")


def models() -> list[Listed]:
    one = made(Listed, id="torchvision:efficientnet_v2_s", input="384 px", licence="BSD-3-Clause", source="ImageNet-1k")
    return [dataclasses.replace(one, parameters=20_200_000, macs=8_364_000_000), dataclasses.replace(one, here=True)]


def findings() -> list[records.Finding]:
    return [records.Finding("unreadable", "warning", f"1 picture: {EVIL}", (EVIL,))]


def embedded() -> Embedded:
    features = np.zeros((1, 1280), np.float32)
    set_aside = (records.Finding("unreadable", "warning", EVIL, (EVIL,)),)
    return Embedded((EVIL,), (EVIL,), ("0" * 64,), features, EVIL, "", "picture", 1, set_aside, RUN)


def demonstration() -> Demonstration:
    answer = Prediction(EVIL, (EVIL, "plum"), (0.9, 0.1))
    return made(
        Demonstration,
        data=Path("data"),
        fitted=fitted(),
        evaluated=made(Evaluated, evaluation=evaluation(), report=RUN / "report.html", test_readings=2),
        predictions=((EVIL, answer), ("plum", answer)),
    )


SHOWN = {
    "fit": lambda: terminal.show_fitted(fitted()),
    "fit transcripts": lambda: terminal.show_fitted(fitted(transcripts(), SPELLED)),
    "evaluate": lambda: terminal.show_evaluated(made(Evaluated, evaluation=evaluation(), report=RUN, test_readings=1)),
    "evaluate transcripts": lambda: terminal.show_evaluated(made(Evaluated, evaluation=transcripts(), report=RUN)),
    "rank": lambda: terminal.show_ranking(ranking()),
    "audit": lambda: terminal.show_audited(audited()),
    "export": lambda: terminal.show_exported(exported()),
    "models": lambda: terminal.show_models(models()),
    "cache": lambda: terminal.show_cache([Kept("wheel:efficientnet_lite0", "openvino bf16", 12345, 10**9)], RUN),
    "history": lambda: terminal.show_history(
        [made(Past, time=0.0, backbone="wheel:efficientnet_lite0", samples=12345, fine_tuned=0.9123, met=0.88)], RUN
    ),
    "findings": lambda: terminal.show_findings(findings()),
    "predict": lambda: terminal.show_predictions(
        CLASSES, [Prediction(EVIL, (EVIL, "plum"), (0.9, 0.1)), Prediction(EVIL, (), (), EVIL)], False
    ),
    "transcribe": lambda: terminal.show_transcriptions(
        [Transcription(EVIL, EVIL, 0.5, ((EVIL, 0.1),)), Transcription(EVIL, "", 0.0, (), EVIL)], False
    ),
    "demo": lambda: terminal.show_demo(demonstration()),
    "embed": lambda: terminal.show_embedded(embedded(), False),
    "search": lambda: terminal.show_found(
        [Found(EVIL, (Near(EVIL, EVIL, 0.87), Near("plum", "", -0.12)), (EVIL,)), Found(EVIL, error=EVIL)], False
    ),
    "note": lambda: terminal.Terminal().say(EVIL),
}


def rendered(show: Any, width: int, monkeypatch: pytest.MonkeyPatch, colours: bool = True) -> str:
    """What a terminal of so many columns is given."""
    file = io.StringIO()
    for one in (console.out, console.err):
        monkeypatch.setattr(one, "_file", file)
        monkeypatch.setattr(one, "_width", width)
        monkeypatch.setattr(one, "soft_wrap", False)
        monkeypatch.setattr(one, "_force_terminal", colours)
        monkeypatch.setattr(one, "_color_system", None)
    show()
    return re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue()) if colours else file.getvalue()


@pytest.mark.parametrize("verb", SHOWN)
def test_no_name_acts_on_the_terminal(verb, monkeypatch):
    shown = rendered(SHOWN[verb], 100, monkeypatch, colours=False)
    bad = [one for one in shown if unicodedata.category(one) in {"Cc", "Cf", "Cs"} and one != "\n"]
    assert bad == []
    if "\\x1b" in shown:
        assert "a\\nb" in shown or verb == "note"
        assert "[bold]" in shown


@pytest.mark.parametrize("width", [40, 60, 80, 100])
@pytest.mark.parametrize("verb", sorted(SHOWN))
def test_numbers_stay_whole_and_words_unbroken(verb, width, monkeypatch):
    """Every word of the narrow output is one of the wide output, where nothing had to give way."""
    wide = set(rendered(SHOWN[verb], 1000, monkeypatch).split())
    narrow = rendered(SHOWN[verb], width, monkeypatch)
    words = {word.rstrip(";") for line in narrow.splitlines() for word in line.split()}
    known = {word.rstrip(";") for word in wide} | LABELS
    long = {word for word in wide if len(word) > width - 8}  # no terminal could show these whole
    broken = {word for word in words - known if "…" not in word and not any(word in one for one in long)}
    assert {word for word in broken if set(word) - set("─")} == set()
    figures = {word for word in wide if re.fullmatch(r"[+-]?[\d,.]+%?", word)}
    assert figures <= words


LABELS = {"needs", "a", "network:", "frozen", "fine-tuned", "words", "letters", "change", "of", "accuracy"}
LABELS |= {"90%", "95%", "interval"}


@pytest.mark.parametrize("width", [40, 60, 80])
@pytest.mark.parametrize("verb", sorted(set(SHOWN) - {"predict", "transcribe", "findings", "demo"}))
def test_tables_are_no_wider_than_the_terminal(verb, width, monkeypatch):
    """Paths and commands may be, so that they can be copied; they stand alone on their line, after their label."""
    lines = rendered(SHOWN[verb], width, monkeypatch).splitlines()
    assert [line for line in lines if len(line.rstrip()) > width and "runs/" not in line] == []


def test_commands_are_quoted_for_the_shell(monkeypatch):
    shown = rendered(SHOWN["fit"], 40, monkeypatch)
    assert "graft evaluate 'runs/a & $(rm)'\n" in shown
    assert "graft predict 'runs/a & $(rm)' PICTURE\n" in shown
    assert "graft serve 'runs/a & $(rm)/export/app'\n" in rendered(SHOWN["export"], 40, monkeypatch)
    assert "2. graft evaluate 'runs/a & $(rm)'\n" in rendered(SHOWN["demo"], 40, monkeypatch)


def test_backslashes_of_a_name_are_all_shown_and_break_no_markup(monkeypatch):
    for count in range(5):
        name = "x" + "\\" * count
        shown = rendered(lambda one=name: console.out.print(f"[bold]{console.escape(one)}[/] y"), 100, monkeypatch)
        assert shown == f"{name} y\n"
