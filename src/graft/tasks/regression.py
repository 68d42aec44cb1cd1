"""One or several numbers for each sample: a weight, an age, an angle, how many there are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graft.dataset.cells import is_missing
from graft.dataset.dataset import Dataset
from graft.dataset.options import LoadOptions
from graft.dataset.task import About, Answers, Calibrated, Compared, Loss, Read, Tolerance
from graft.errors import DataError, RequestError, listing, plural
from graft.evaluation.blocks import Block, Grid, GridColumn, Headline
from graft.evaluation.numbers import RegressionEvaluation, conformal_half_widths, evaluate_numbers, spread_of
from graft.heads.numbers import Numbers
from graft.heads.objective import Objective
from graft.heads.ridge import LinearHead, Scores, Targets
from graft.records import PARTS, Interval, Json
from graft.tasks.number_checks import findings_of_numbers, is_constant, quantiles, scale_of
from graft.tasks.number_labels import BETWEEN, IS, numbers_in, written
from graft.tasks.number_words import ALONE, headline_of, page_of, shown, summary_of
from graft.tasks.split import make_split

LEAST = 6  # samples, so that every part has some
MANY = 20  # different numbers from which on labels may be amounts
REPEATED = 10  # whole numbers that each occur so often on average are rather classes


@dataclass(frozen=True, slots=True)
class NumbersPrediction:
    """The numbers of one input, and the interval that holds each with the promised probability (`coverage`)."""

    source: str
    names: tuple[str, ...]
    values: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    coverage: float = 0.0
    error: str | None = None


class Regression:
    """Numbers by least squares or a robust loss, with conformal prediction intervals."""

    name = "regression"
    classes_noun = "number"
    several = False
    contradiction = "has two numbers"
    steps = frozenset({"adapt", "scratch", "export", "audit"})
    evaluation: type = RegressionEvaluation
    blind = "the mean for all"
    rated_by = "R2"
    output = "numbers"
    asked = """
print(dict(zip(manifest["classes"], numbers[0].tolist())), "give or take", manifest["details"]["half_widths"])
"""
    made = "A model that estimates numbers of {noun}s"
    caveat = "It gives a number for every {noun}, also for one that is like nothing that it learnt from."
    ladder_columns: tuple[tuple[str, str, str], ...] = (("r2", "R2", ".3f"), ("spearman", "rank correlation", ".3f"))

    def faults(self, names: tuple[str, ...], details: Json) -> list[str]:
        found = [details.get(one) for one in ("half_widths", "means")]
        if not all(isinstance(one, list) and len(one) == len(names) for one in found):
            return ["details: not a half width and a mean for each number"]
        values = [value for one in found for value in one or ()] + [details.get("coverage")]
        finite = all(isinstance(one, float) and np.isfinite(one) for one in values)
        inside = finite and 0 <= details["coverage"] <= 1 and min(details["half_widths"]) >= 0
        return [] if inside else ["details: half widths, means or coverage out of range"]

    def joins(self, several: int, whole: int) -> str:
        return ""

    def is_missing(self, label: str) -> bool:
        return is_missing(label)

    def recognise(self, labels: Sequence[str]) -> str:
        written = [label for label in labels if not is_missing(label)]
        numbers = [numbers_in(label) for label in written]
        if not written or any(one is None for one in numbers):
            return ""
        if all(IS in label for label in written):
            return "The columns that were named hold numbers: taken as such."
        different = {next(iter(one.values())) for one in numbers if one}
        whole = all(value == int(value) for value in different if np.isfinite(value))
        if len(different) < MANY or (whole and len(written) >= REPEATED * len(different)):
            return ""
        return (
            f"The labels are numbers with {len(different):,} different values: taken as numbers to estimate. If each "
            "is a class, say so with --task classification."
        )

    def problems(self, labels: Sequence[str], table: bool) -> list[str]:
        return []

    def read(self, labels: Sequence[str], names: tuple[str, ...] | None = None) -> Read:
        read = [numbers_in(label) for label in labels]
        said = dict.fromkeys(name for one in read if one for name in one)
        known = tuple(said) if names is None else names
        targets = np.full((len(labels), len(known)), np.nan)
        faults: dict[int, str] = {}
        for row, one in enumerate(read):
            values = {name: value for name, value in (one or {}).items() if name in known}
            if not values:
                faults[row] = f"{labels[row]!r} is no number" if one is None else "no number that the model knows"
            elif not np.isfinite([*values.values()]).all():
                faults[row] = f"{labels[row]!r} is not finite"
            for name, value in values.items():
                targets[row, known.index(name)] = value
        return Read(known, targets, faults)

    def write(self, names: tuple[str, ...], target: Any) -> str:
        if names == (ALONE,):
            return written(target[0])
        parts = zip(names, target, strict=True)
        return BETWEEN.join(f"{name}{IS}{written(value)}" for name, value in parts if np.isfinite(value))

    def merge(self, targets: Targets) -> Any | None:
        return (
            targets[0] if np.array_equal(targets, np.broadcast_to(targets[0], targets.shape), equal_nan=True) else None
        )

    def finish(self, dataset: Dataset, options: LoadOptions, problems: list[str]) -> Dataset:
        if options.min_per_class > 1:
            raise RequestError(f"--min-per-class is {options.min_per_class}, and numbers are no classes. Leave it out.")
        noun = dataset.modality.noun
        if len(dataset) < LEAST:
            problems = [*problems, f"There are {plural(len(dataset), noun)}; {LEAST} are needed."]
        constant = [name for name, column in zip(dataset.classes, dataset.labels.T, strict=True) if is_constant(column)]
        if constant:
            problems = [*problems, f"{listing(constant)} is the same number for every {noun}: nothing can be learnt."]
        if not problems and dataset.split == "made":
            strata = Numbers(dataset.outputs).strata(dataset.labels)
            dataset = replace(dataset, parts=make_split(dataset, strata, options.seed))
        train = dataset.labels[dataset.parts == PARTS.index("train")]
        if not problems and any(map(is_constant, train.T)):
            problems = [*problems, "A number is the same for every sample of the train part: nothing can be learnt."]
        if problems:
            raise DataError(dataset.pointed_at, problems, [finding.message for finding in dataset.findings])
        return replace(
            dataset, scale=scale_of(train), findings=(*dataset.findings, *findings_of_numbers(dataset, train))
        )

    def lost(self, before: Dataset, after: Dataset) -> list[str]:
        train = after.labels[after.parts == PARTS.index("train")]
        return [name for name, column in zip(after.classes, train.T, strict=True) if not np.isfinite(column).any()]

    def overview(self, dataset: Dataset) -> list[Block]:
        columns = (
            GridColumn("number", "name"),
            GridColumn("part", rank=0),
            GridColumn("samples", rank=1),
            GridColumn("least", rank=2),
            GridColumn("quarter", rank=4),
            GridColumn("median"),
            GridColumn("three quarters", rank=4),
            GridColumn("most", rank=2),
        )
        rows = []
        for number, name in enumerate(dataset.classes):
            for place, part in enumerate(PARTS):
                column = dataset.labels[dataset.parts == place, number]
                column = column[np.isfinite(column)]
                marks = (
                    [shown(one) for one in np.quantile(column, (0, 0.25, 0.5, 0.75, 1))] if len(column) else ["–"] * 5
                )
                rows.append((name, part, f"{len(column):,}", *marks))
        return [Grid("", columns, rows)]

    def counted(self, dataset: Dataset) -> str:
        return f"with {plural(len(dataset.classes), 'number')} to estimate"

    def describe(self, dataset: Dataset) -> Json:
        parts = {part: dataset.labels[dataset.parts == place] for place, part in enumerate(PARTS)}
        return {
            "numbers": [
                {
                    "name": name,
                    **{part: quantiles(values[:, number]) for part, values in parts.items()},
                }
                for number, name in enumerate(dataset.classes)
            ]
        }

    def objective(self, outputs: int) -> Objective:
        return Numbers(outputs)

    def loss(self, plan: Any) -> Loss | None:
        def loss(scores: Any, targets: Any) -> Any:
            from torch.nn.functional import smooth_l1_loss

            known = targets.isfinite()
            return (smooth_l1_loss(scores, targets.nan_to_num(), reduction="none") * known).sum()

        return loss

    def calibrate(
        self, head: LinearHead, temperature: float, scores: Scores, dataset: Dataset, rows: NDArray[np.intp]
    ) -> Calibrated:
        widths, coverage = conformal_half_widths(np.abs(dataset.labels[rows] - dataset.in_units(scores)))
        train = dataset.labels[dataset.parts == PARTS.index("train")]
        details = {
            "coverage": float(coverage),
            "half_widths": [float(one) for one in np.nan_to_num(widths)],
            "means": [float(one) for one in np.nanmean(train, axis=0)],
        }
        return Calibrated(dataset.head_in_units(head), 1.0, dataset.in_units, 1.0, details)

    def answers(self, scores: Scores) -> Answers:
        return scores

    def compare(
        self, reference: Answers, found: Answers, targets: Targets | None, names: tuple[str, ...], about: Tolerance
    ) -> Compared:
        reach = np.array(about.details["half_widths"])
        apart = np.abs(reference - found) / np.where(reach > 0, 2 * reach, 1.0)  # in widths of the interval
        worst = apart.max(axis=1)

        def told(row: int) -> tuple[str, str, float, float]:
            number = int(apart[row].argmax())
            ours, theirs = float(reference[row, number]), float(found[row, number])
            return f"{names[number]} {shown(ours)}", f"{names[number]} {shown(theirs)}", ours, theirs

        return Compared(
            different=worst > about.apart,
            ties=np.zeros(len(reference), np.bool_),
            gross=worst > about.gross,
            righted=np.zeros(len(reference), np.bool_),
            distance=worst,
            told=told,
        )

    def label(self, answer: NDArray[np.float64], names: tuple[str, ...], details: Json) -> str:
        return self.write(names, answer)

    def plausible(self, answer: NDArray[np.float64], few_bits: float) -> bool:
        return True

    def output_meaning(self, count: int) -> dict[str, str]:
        return {
            "numbers": f"(batch, {count}) numbers in the units of the data, in the order of classes; the truth lies "
            "within details.half_widths of it as often as details.coverage says",
            "unknown": "(batch,) always 0",
        }

    def activation(self) -> Any:
        import torch
        from torch import nn

        class Values(nn.Module):
            def forward(self, scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
                return scores, torch.zeros_like(scores[:, 0])

        return Values()

    def evaluate(self, answers: Answers, targets: Targets, about: About, details: Json) -> RegressionEvaluation:
        return evaluate_numbers(
            about.part,
            answers,
            targets,
            np.array(details["means"]),
            np.array(details["half_widths"]),
            details["coverage"],
            about.names,
            about.sources,
            notes=about.notes,
            root=about.root,
            noun=about.noun,
            texts=about.texts,
            groups=about.groups,
        )

    def rightness(self, answers: Answers, targets: Targets) -> NDArray[Any]:
        """1 minus the squared error over the variance of these targets, so that the mean is R2."""
        spread = spread_of(targets) ** 2
        known = np.isfinite(targets)
        errors = np.where(known, (answers - targets) ** 2 / np.where(spread > 0, spread, 1.0), 0.0)
        return np.asarray(1 - errors.sum(axis=1) / np.maximum(known.sum(axis=1), 1))

    def figure(self, evaluation: RegressionEvaluation) -> Interval:
        return evaluation.r2

    def headline(self, evaluation: RegressionEvaluation) -> Headline:
        return headline_of(evaluation)

    def summary(self, evaluation: RegressionEvaluation) -> list[Block]:
        return summary_of(evaluation)

    def page(self, evaluation: RegressionEvaluation) -> list[Block]:
        return page_of(evaluation)

    def predict(self, source: str, answer: NDArray[np.float64], names: tuple[str, ...], model: Any, top: int) -> Any:
        widths = model.details["half_widths"]
        return NumbersPrediction(
            source,
            names,
            tuple(float(one) for one in answer),
            tuple(float(one) - width for one, width in zip(answer, widths, strict=True)),
            tuple(float(one) + width for one, width in zip(answer, widths, strict=True)),
            model.details["coverage"],
        )

    def failed(self, source: str, error: str) -> NumbersPrediction:
        return NumbersPrediction(source, (), error=error)

    def shown(self, prediction: NumbersPrediction) -> list[tuple[str, str]]:
        columns = (prediction.names, prediction.values, prediction.low, prediction.high)
        pieces = []
        for name, value, low, high in zip(*columns, strict=True):
            pieces.append((shown(value) if name == ALONE else f"{name} {shown(value)}", "bold"))
            pieces.append((f"{shown(low)} to {shown(high)}", "dim"))
        return pieces


REGRESSION = Regression()
