"""What a person is shown of classes."""

from math import log

from graft.evaluation import charts
from graft.evaluation.blocks import Block, Exhibit, Figures, Gallery, Grid, GridColumn, Headline, Lines, Picture
from graft.evaluation.evaluate import confusions
from graft.evaluation.report import percent
from graft.records import Evaluation

MOST_CLASSES = 60  # shown in the tables and in the confusion matrix of a page
MOST_ROWS = 40  # in a terminal
MOST_MISTAKES = 24


def headline_of(evaluation: Evaluation) -> Headline:
    """The share of right answers."""
    a = evaluation.accuracy
    return Headline(
        figure=percent(a.value),
        what="right",
        interval=f"95% interval {percent(a.low)} to {percent(a.high)}",
        sentence=f"of {evaluation.samples:,} {evaluation.noun}s named right; the true rate lies between "
        f"{percent(a.low)} and {percent(a.high)} with 95% confidence.",
    )


def summary_of(evaluation: Evaluation) -> list[Block]:
    """The figures, the weakest classes and the commonest confusions."""
    scored = [score for score in evaluation.per_class if score.support or score.precision]
    ordered = sorted(scored, key=lambda score: (score.support == 0, score.recall))
    columns = (
        GridColumn("class", "name"),
        GridColumn("precision", rank=3),
        GridColumn("recall"),
        GridColumn("F1", rank=4),
        GridColumn(f"{evaluation.noun}s", rank=2),
    )
    rows = [
        (
            score.name,
            percent(score.precision),
            percent(score.recall) if score.support else "–",
            percent(score.f1),
            f"{score.support:,}",
        )
        for score in ordered[:MOST_ROWS]
    ]
    confused = [
        f"{one.truth} taken for {one.predicted}: {one.count} of {one.of}" for one in confusions(evaluation, most=5)
    ]
    return [
        _figures(evaluation, loss=f"{evaluation.log_loss:.3f}"),
        Grid("", columns, rows, max(0, len(ordered) - MOST_ROWS)),
        *([Lines("Most often confused:", confused)] if confused else []),
    ]


def page_of(evaluation: Evaluation) -> list[Block]:
    """All figures, classes, confusions, the calibration, and the most confident mistakes."""
    worst = sorted(evaluation.per_class, key=lambda score: (score.support == 0, score.recall))
    shown = evaluation.per_class if len(worst) <= MOST_CLASSES else worst[:MOST_CLASSES]
    columns = (
        GridColumn("Class", "name"),
        GridColumn("Recall"),
        GridColumn("recall", "bar", rank=1),
        GridColumn("Precision"),
        GridColumn("F1", rank=1),
        GridColumn(f"{evaluation.noun.capitalize()}s"),
    )
    rows = [
        (
            score.name,
            percent(score.recall) if score.support else "–",
            f"{score.recall:.3f}",
            percent(score.precision),
            percent(score.f1),
            str(score.support),
        )
        for score in shown
    ]
    more = len(worst) - len(shown)
    told = f"The {len(shown)} classes with the lowest recall; {more} more are in evaluation.json." if more else ""
    confused = [
        f"{one.truth} taken for {one.predicted}: {one.count} of {one.of}" for one in confusions(evaluation, most=8)
    ]
    matrix = Picture(
        "What is taken for what",
        charts.matrix(evaluation),
        "Rows are the truth, columns the answer; darker is more often. The diagonal is right.",
    )
    trust = Picture(
        "Can its confidence be trusted?",
        charts.calibration(evaluation),
        f'Each dot is a group of {evaluation.noun}s with similar confidence. On the line, "80% sure" is right 80 '
        "times in 100; below it the model is too sure.",
    )
    mistakes = [
        Exhibit(
            one.source,
            one.predicted,
            f"{percent(one.confidence)}\nis {one.truth}",
            one.text,
            f"{one.truth}, taken for {one.predicted}",
        )
        for one in evaluation.mistakes[:MOST_MISTAKES]
    ]
    guessing = f"guessing: {log(len(evaluation.per_class)):.3f}" if evaluation.per_class else ""
    return [
        _figures(evaluation, loss=f"{evaluation.log_loss:.3f}", guessing=guessing),
        Grid("How each class fares", columns, rows, words=told),
        *([matrix] if len(worst) <= MOST_CLASSES else []),
        *([Lines("", confused)] if confused else []),
        trust,
        *([Gallery("Its most confident mistakes", mistakes)] if mistakes else []),
    ]


def _figures(evaluation: Evaluation, loss: str, guessing: str = "") -> Figures:
    a, b = evaluation.accuracy, evaluation.balanced_accuracy
    rows = [
        ("accuracy", percent(a.value), f"95% interval {percent(a.low)} to {percent(a.high)}"),
        ("balanced accuracy", percent(b.value), f"95% interval {percent(b.low)} to {percent(b.high)}"),
        ("log-loss", loss, guessing),
        ("calibration error", percent(evaluation.calibration_error), "how far its confidence is off"),
    ]
    if guessing:
        rows.append(("Brier score", f"{evaluation.brier:.3f}", "0 is perfect"))
    return Figures(rows)
