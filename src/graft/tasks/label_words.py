"""What a person is shown of several labels for each sample."""

from graft.errors import listing
from graft.evaluation import charts
from graft.evaluation.blocks import Block, Exhibit, Figures, Gallery, Grid, GridColumn, Headline, Lines, Picture
from graft.evaluation.labels import MultilabelEvaluation, WrongLabels
from graft.evaluation.report import percent

MOST_ROWS, MOST_LABELS, MOST_PICTURED, MOST_PAIRS, MOST_MISTAKES = 40, 60, 30, 8, 24


def headline_of(evaluation: MultilabelEvaluation) -> Headline:
    """The F1 over all labels."""
    f1 = evaluation.micro_f1
    reach = f"{percent(f1.low)} to {percent(f1.high)}"
    return Headline(
        percent(f1.value),
        "F1 over all labels",
        f"95% interval {reach}",
        f"is how well the labels that it gives and those that are due agree (F1 over all labels), on "
        f"{evaluation.samples:,} {evaluation.noun}s; the true figure lies between {reach.replace(' to ', ' and ')} "
        "with 95% confidence.",
    )


def summary_of(evaluation: MultilabelEvaluation) -> list[Block]:
    """The figures, the weakest labels, and what is confused most."""
    return [_figures(evaluation), _grid("", evaluation, MOST_ROWS), *_confused(evaluation)]


def page_of(evaluation: MultilabelEvaluation) -> list[Block]:
    """All figures, which labels stand together, and the worst samples."""
    names = tuple(score.name for score in evaluation.per_label)
    blocks: list[Block] = [
        _figures(evaluation),
        _grid("How each label fares", evaluation, MOST_LABELS),
        *_confused(evaluation),
    ]
    if 1 < len(names) <= MOST_PICTURED:
        drawn = charts.heat(names, evaluation.cooccurrence)
        blocks.append(Picture("Which labels stand together", drawn, "Darker is more often; of the true labels."))
    if evaluation.mistakes:
        shown = [
            Exhibit(
                one.source,
                _wrong(one),
                f"{percent(one.confidence)} sure\nis {one.truth or 'none of them'}",
                one.text,
                one.truth,
            )
            for one in evaluation.mistakes[:MOST_MISTAKES]
        ]
        blocks.append(Gallery("Its most confident mistakes", shown))
    return blocks


def _figures(evaluation: MultilabelEvaluation) -> Figures:
    one = evaluation
    told = [
        ("F1 over all labels", one.micro_f1, ""),
        ("mean average precision", one.mean_average_precision, ""),
        ("mean F1 of the labels", one.macro_f1, ""),
        ("wrong yes or no", one.hamming_loss, " (Hamming loss)"),
        ("all labels right", one.exact_match, ""),
    ]
    rows = [
        (name, percent(figure.value), f"95% interval {percent(figure.low)} to {percent(figure.high)}{more}")
        for name, figure, more in told
    ]
    return Figures([*rows, ("calibration error", percent(one.calibration_error), "how far its confidence is off")])


def _grid(title: str, evaluation: MultilabelEvaluation, most: int) -> Grid:
    worst = sorted(evaluation.per_label, key=lambda score: (score.support == 0, score.f1))
    columns = (
        GridColumn("label", "name"),
        GridColumn("F1"),
        GridColumn("F1", "bar", rank=1),
        GridColumn("precision", rank=2),
        GridColumn("recall", rank=2),
        GridColumn("average precision", rank=3),
        GridColumn("given from", rank=4),
        GridColumn(f"{evaluation.noun}s", rank=1),
    )
    rows = [
        (
            score.name,
            percent(score.f1) if score.support else "–",
            f"{score.f1:.3f}",
            percent(score.precision),
            percent(score.recall) if score.support else "–",
            "–" if score.average_precision is None else percent(score.average_precision.value),
            percent(score.threshold),
            f"{score.support:,}",
        )
        for score in worst[:most]
    ]
    return Grid(title, columns, rows, max(0, len(worst) - most))


def _confused(evaluation: MultilabelEvaluation) -> list[Block]:
    lines = [f"{given} given instead of {due}: {count}" for due, given, count in evaluation.confused[:MOST_PAIRS]]
    return [Lines("Most often confused:", lines)] if lines else []


def _wrong(one: WrongLabels) -> str:
    """What is wrong with the labels of a sample."""
    lacks = [f"lacks {listing(one.missing)}"] if one.missing else []
    return "; ".join([*lacks, *([f"not {listing(one.extra)}"] if one.extra else [])])
