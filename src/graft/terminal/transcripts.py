"""What a person sees of transcripts: the data, the climb, error rates, and what was heard."""

from collections.abc import Sequence

from rich import box
from rich.table import Table

from graft.data import Dataset
from graft.errors import plural
from graft.evaluation.error_rates import TranscriptEvaluation
from graft.evaluation.report import percent
from graft.records import PARTS, Interval, Json, Transcription
from graft.terminal.console import escape, out, print_json
from graft.verbs.data import TranscriptFigures, transcript_figures

MOST_MISHEARD = 10


def show_transcripts(dataset: Dataset) -> None:
    """Recordings and letters in each part, their lengths, and the commonest transcripts."""
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("part", "recordings", "groups", "different transcripts", "words", "letters", "seconds"):
        table.add_column(name, justify="left" if name == "part" else "right")
    for part in PARTS:
        one = transcript_figures(dataset, part)
        table.add_row(part, *_figures(one))
    out.print(table)
    whole = transcript_figures(dataset)
    letters = " ".join(letter if letter != " " else "(space)" for letter in whole.letters)
    out.print(f"{len(whole.letters)} letters: {escape(letters)}")
    common = ", ".join(f"{text} ({count:,})" for text, count in whole.common)
    out.print(f"Commonest transcripts: {escape(common)}")


def _figures(one: TranscriptFigures) -> tuple[str, ...]:
    shortest, longest = one.seconds
    return (
        f"{one.recordings:,}",
        f"{one.groups:,}" if one.groups else "–",
        f"{one.transcripts:,}",
        f"{one.words:,}",
        f"{one.characters:,}",
        f"{shortest:.2f} to {longest:.2f}" if one.recordings else "–",
    )


def show_transcript_evaluation(evaluation: TranscriptEvaluation) -> None:
    """Error rates of words and letters by each way of decoding, and the utterances that went worst."""
    out.print(
        f"Measured on {escape(evaluation.part)}, {plural(evaluation.samples, evaluation.noun)} with "
        f"{plural(evaluation.words, 'word')} and {plural(evaluation.letters, 'letter')}:"
    )
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("decoding", "words wrong", "95% interval", "letters wrong", "95% interval", "without error"):
        table.add_column(name, justify="left" if name == "decoding" else "right")
    for name, rates in (
        ("any letters, beam search", evaluation.rates),
        ("any letters, the best of each frame", evaluation.greedy),
        ("known words only, beam search", evaluation.known_words),
    ):
        first = rates is evaluation.rates
        words = percent(rates.words.value)
        table.add_row(
            name,
            f"[bold green]{words}[/]" if first else words,
            _interval(rates.words),
            percent(rates.letters.value),
            _interval(rates.letters),
            percent(rates.exact.value),
        )
    out.print(table)
    out.print(
        f"[dim]Intervals by resampling {evaluation.resampled}. Calibration error of the probability of a text: "
        f"{percent(evaluation.calibration_error)}.[/]"
    )
    if evaluation.unknown_words:
        out.print(f"[yellow]![/] {evaluation.unknown_words:,} of the words said are none that it learnt from.")
    if evaluation.misheard:
        worst = Table(box=box.SIMPLE_HEAD)
        for name in ("the worst", "said", "heard"):
            worst.add_column(name)
        for one in evaluation.misheard[:MOST_MISHEARD]:
            worst.add_row(escape(one.source), escape(one.said), escape(one.heard) or "[dim](nothing)[/]")
        out.print(worst)
    for note in evaluation.notes:
        out.print(f"[yellow]![/] {escape(note)}")


def _interval(one: Interval) -> str:
    return f"{percent(one.low)} to {percent(one.high)}"


def show_fitted_transcripts(evaluation: TranscriptEvaluation, ladder: Sequence[Json], seconds: float) -> None:
    """What each rung did, and the error rates of what was kept."""
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("rung", "", "words wrong", "letters wrong", "loss", "time"):
        table.add_column(name, justify="left" if not name or name == "rung" else "right")
    table.add_column("kept, and why")
    for rung in ladder:
        figures = [percent(rung[name]) if name in rung else "–" for name in ("word_error_rate", "letter_error_rate")]
        loss = f"{rung['loss']:.3f}" if "loss" in rung else "–"
        mark = "[green]kept[/]" if rung["kept"] else "[dim]no[/]"
        if "passed_by" in rung:
            mark = f"kept, then passed by rung {rung['passed_by']}"
        why = f"{mark}: {escape(rung['why'])}"
        table.add_row(rung["rung"], escape(rung["name"]), *figures, loss, f"{rung['seconds']:.0f} s", why)
    out.print(table)
    words, letters = evaluation.rates.words, evaluation.rates.letters
    where = "the validation set" if evaluation.part == "val" else evaluation.part
    out.print(
        f"\n[bold green]{percent(words.value)}[/] of the words and {percent(letters.value)} of the letters wrong on "
        f"{where} ({evaluation.samples:,} recordings; 95% intervals {_interval(words)} and {_interval(letters)}), "
        f"{percent(evaluation.known_words.words.value)} of the words where only known ones are written, "
        f"after {seconds:.1f} s."
    )


def show_transcriptions(transcriptions: Sequence[Transcription], as_json: bool) -> int:
    """One line per recording, or all as JSON; returns how many could not be read."""
    failed = sum(one.error is not None for one in transcriptions)
    if as_json:
        print_json({"transcriptions": transcriptions})
        return failed
    for one in transcriptions:
        if one.error is not None:
            out.print(f"{escape(one.source)}  [red]cannot be read: {escape(one.error)}[/]")
            continue
        heard = f"[bold]{escape(one.text)}[/]" if one.text else "[dim](nothing)[/]"
        others = "".join(f"  [dim]or {escape(text) or '(nothing)'}[/]" for text, _ in one.others)
        out.print(f"{escape(one.source)}  {heard}{others}")
    return failed
