"""What a person is shown of estimated numbers."""

from graft.evaluation import charts
from graft.evaluation.blocks import Block, Exhibit, Figures, Gallery, Grid, GridColumn, Headline, Picture
from graft.evaluation.numbers import RegressionEvaluation
from graft.evaluation.report import percent

ALONE = "value"  # the name of a number that stands alone
MOST_MISTAKES, MOST_PICTURED = 24, 4


def headline_of(evaluation: RegressionEvaluation) -> Headline:
    """The mean absolute error of the first number, beside that of one answer for all."""
    first = evaluation.per_number[0]
    reach = f"{shown(first.mae.low)} to {shown(first.mae.high)}"
    of = "" if first.name == ALONE else f"{first.name} "
    return Headline(
        shown(first.mae.value),
        f"{of}off on average",
        f"95% interval {reach}; {shown(first.one_answer)} by one answer for all",
        f"is how far {of or 'the answer '}is off on average (mean absolute error), on {evaluation.samples:,} "
        f"{evaluation.noun}s; the true figure lies between {reach.replace(' to ', ' and ')} with 95% confidence. "
        f"Saying the mean for every {evaluation.noun} would be off by {shown(first.one_answer)}.",
    )


def summary_of(evaluation: RegressionEvaluation) -> list[Block]:
    """The figures of the first number, and a table where there are several."""
    if len(evaluation.per_number) == 1:
        return [_figures(evaluation)]
    return [_figures(evaluation), _grid("", evaluation)]


def page_of(evaluation: RegressionEvaluation) -> list[Block]:
    """The same with truth and answer as pictures, and the samples that were missed most."""
    blocks: list[Block] = [_figures(evaluation)]
    if len(evaluation.per_number) > 1:
        blocks.append(_grid("How each number fares", evaluation))
    for number, score in enumerate(evaluation.per_number[:MOST_PICTURED]):
        points = [(truth, answer) for own, truth, answer in evaluation.points if own == number]
        title = "Truth and answer" if score.name == ALONE else f"Truth and answer: {score.name}"
        told = (
            f"Each dot is a {evaluation.noun}: its true number across, the answer up. On the line it is right; the "
            f"band promises to hold {percent(evaluation.coverage)} of them and holds {percent(score.covered.value)}."
        )
        blocks.append(Picture(title, charts.scatter(points, score.half_width), told))
    worst = [
        Exhibit(
            one.source,
            shown(one.answer),
            f"is {shown(one.truth)}" + ("" if one.name == ALONE else f"\n{one.name}"),
            one.text,
            f"{shown(one.truth)}, taken for {shown(one.answer)}",
        )
        for one in evaluation.mistakes[:MOST_MISTAKES]
    ]
    return [*blocks, *([Gallery("What it missed most", worst)] if worst else [])]


def _figures(evaluation: RegressionEvaluation) -> Figures:
    first = evaluation.per_number[0]
    of = "" if first.name == ALONE else f" of {first.name}"
    rows = [
        (name + of, form(figure.value), f"95% interval {form(figure.low)} to {form(figure.high)}{more}")
        for name, figure, form, more in (
            ("mean absolute error", first.mae, shown, f"; one answer for all: {shown(first.one_answer)}"),
            ("root mean squared error", first.rmse, shown, ""),
            ("explained (R2)", first.r2, two_digits, ""),
            ("rank correlation", first.spearman, two_digits, ""),
            (
                f"inside ±{shown(first.half_width)}",
                first.covered,
                percent,
                f"; {percent(evaluation.coverage)} are promised",
            ),
        )
    ]
    return Figures(rows)


def _grid(title: str, evaluation: RegressionEvaluation) -> Grid:
    columns = (
        GridColumn("number", "name"),
        GridColumn("error"),
        GridColumn("one answer for all", rank=2),
        GridColumn("R2"),
        GridColumn("rank correlation", rank=3),
        GridColumn("interval", rank=1),
        GridColumn("inside", rank=1),
    )
    rows = [
        (
            one.name,
            shown(one.mae.value),
            shown(one.one_answer),
            two_digits(one.r2.value),
            two_digits(one.spearman.value),
            f"±{shown(one.half_width)}",
            percent(one.covered.value),
        )
        for one in evaluation.per_number
    ]
    return Grid(title, columns, rows)


def shown(value: float) -> str:
    """A number with four digits that count."""
    return f"{value:.4g}"


def two_digits(value: float) -> str:
    """A share of one."""
    return f"{value:.2f}"
