"""What a person sees of transcripts: the data, the climb, error rates, and what was heard."""

from collections.abc import Sequence

from graft.errors import plural
from graft.evaluation.error_rates import ErrorRates, TranscriptEvaluation
from graft.evaluation.report import percent
from graft.records import Interval, Json, Transcription
from graft.terminal.console import escape, out, print_json, shown_name
from graft.terminal.table import Column, FittedTable

MOST_MISHEARD = 10
DECODINGS = (
    Column("decoding", "words"),
    Column("words wrong"),
    Column("95% interval", rank=3, below="words 95% interval"),
    Column("letters wrong", rank=1),
    Column("95% interval", rank=4, below="letters 95% interval"),
    Column("without error", rank=2),
)
MISHEARD = (Column("the worst", "name"), Column("said", "words", rank=1), Column("heard", "words"))
LADDER = (
    Column("rung", "words"),
    Column("", "words"),
    Column("words wrong"),
    Column("letters wrong", rank=1),
    Column("loss", rank=3),
    Column("time", rank=2),
    Column("kept, and why", "words", rank=4, below=""),
)


def show_transcript_evaluation(evaluation: TranscriptEvaluation) -> None:
    """Error rates of words and letters by each way of decoding, and the utterances that went worst."""
    out.print(
        f"Measured on {escape(evaluation.part)}, {plural(evaluation.samples, evaluation.noun)} with "
        f"{plural(evaluation.words, 'word')} and {plural(evaluation.letters, 'letter')}:"
    )
    out.print(
        FittedTable(
            DECODINGS,
            [
                _decoding("any letters, beam search", evaluation.rates, "bold green"),
                _decoding("any letters, the best of each frame", evaluation.greedy),
                _decoding("known words only, beam search", evaluation.known_words),
            ],
        )
    )
    out.print(
        f"[dim]Intervals by resampling {evaluation.resampled}. Calibration error of the probability of a text: "
        f"{percent(evaluation.calibration_error)}.[/]"
    )
    if evaluation.unknown_words:
        out.print(f"[yellow]![/] {evaluation.unknown_words:,} of the words said are none that it learnt from.")
    if evaluation.misheard:
        rows = [
            (shown_name(one.source), escape(one.said), escape(one.heard) or "[dim](nothing)[/]")
            for one in evaluation.misheard[:MOST_MISHEARD]
        ]
        out.print(FittedTable(MISHEARD, rows))
    for note in evaluation.notes:
        out.print(f"[yellow]![/] {escape(note)}")


def _decoding(title: str, rates: ErrorRates, style: str = "none") -> tuple[str, ...]:
    return (
        title,
        f"[{style}]{percent(rates.words.value)}[/]",
        _interval(rates.words),
        percent(rates.letters.value),
        _interval(rates.letters),
        percent(rates.exact.value),
    )


def _interval(one: Interval) -> str:
    return f"{percent(one.low)} to {percent(one.high)}"


def show_fitted_transcripts(evaluation: TranscriptEvaluation, ladder: Sequence[Json], seconds: float) -> None:
    """What each rung did, and the error rates of what was kept."""
    rows = []
    for rung in ladder:
        figures = [percent(rung[name]) if name in rung else "–" for name in ("word_error_rate", "letter_error_rate")]
        loss = f"{rung['loss']:.3f}" if "loss" in rung else "–"
        names = (escape(str(rung["rung"])), escape(rung["name"]))
        rows.append((*names, *figures, loss, f"{rung['seconds']:.0f} s", kept_and_why(rung)))
    out.print(FittedTable(LADDER, rows))
    words, letters = evaluation.rates.words, evaluation.rates.letters
    where = "the validation set" if evaluation.part == "val" else evaluation.part
    out.print(
        f"\n[bold green]{percent(words.value)}[/] of the words and {percent(letters.value)} of the letters wrong on "
        f"{where} ({evaluation.samples:,} recordings; 95% intervals {_interval(words)} and {_interval(letters)}), "
        f"{percent(evaluation.known_words.words.value)} of the words where only known ones are written, "
        f"after {seconds:.1f} s."
    )


def kept_and_why(rung: Json) -> str:
    """Whether a rung was kept, and why."""
    mark = "[green]kept[/]" if rung["kept"] else "[dim]no[/]"
    if "passed_by" in rung:
        mark = f"kept, then passed by rung {escape(str(rung['passed_by']))}"
    return f"{mark}: {escape(rung['why'])}"


def show_transcriptions(transcriptions: Sequence[Transcription], as_json: bool) -> int:
    """One line per recording, or all as JSON; returns how many could not be read."""
    failed = sum(one.error is not None for one in transcriptions)
    if as_json:
        print_json({"transcriptions": transcriptions})
        return failed
    for one in transcriptions:
        if one.error is not None:
            out.print(f"{shown_name(one.source)}  [red]cannot be read: {escape(one.error)}[/]")
            continue
        heard = f"[bold]{escape(one.text)}[/]" if one.text else "[dim](nothing)[/]"
        others = "".join(f"  [dim]or {escape(text) or '(nothing)'}[/]" for text, _ in one.others)
        out.print(f"{shown_name(one.source)}  {heard}{others}")
    return failed
