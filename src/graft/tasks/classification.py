"""One class of several for each sample: the target that most data have."""

from collections.abc import Sequence
from dataclasses import replace
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graft.dataset.cells import is_missing
from graft.dataset.dataset import Dataset
from graft.dataset.options import LoadOptions
from graft.dataset.task import About, Answers, Calibrated, Compared, Loss, Read, Tolerance
from graft.errors import DataError
from graft.evaluation import charts, evaluate_probabilities
from graft.evaluation.blocks import (
    Block,
    Exhibit,
    Figures,
    Gallery,
    Grid,
    GridColumn,
    Headline,
    Lines,
    Picture,
)
from graft.evaluation.evaluate import confusions
from graft.evaluation.report import percent
from graft.heads.objective import Objective, Softmax
from graft.heads.ridge import LinearHead, Scores, Targets
from graft.heads.temperature import softmax
from graft.records import PARTS, Evaluation, Interval, Json, Prediction
from graft.tasks import class_checks as checks
from graft.tasks.class_selection import dealt, leave_out, without_untrained_classes

DOUBTED = 0.05  # of the samples of known classes
MOST_CLASSES = 60  # shown in the tables and in the confusion matrix of a page
MOST_ROWS = 40  # in a terminal
MOST_MISTAKES = 24


class Classification:
    """One class for each sample: probabilities by softmax, at one temperature (Guo et al. 2017)."""

    name = "classification"
    classes_noun = "class"
    contradiction = "stands in two classes"
    steps = frozenset(
        {"rank", "adapt", "audit", "export", "app", "8 bits", "pairs", "history", "scratch", "neighbours", "folders"}
    )
    evaluation: type = Evaluation
    output = "probabilities"
    asked = """
best = manifest["classes"][int(probabilities[0].argmax())]
print(best, "not sure" if unknown[0] > manifest["unknown_threshold"] else "")
"""
    made = "A classifier of {noun}s"
    caveat = "It always answers with one of its {names} classes, also for a {noun} that belongs to none of them."
    ladder_columns: tuple[tuple[str, str, str], ...] = (
        ("accuracy", "accuracy", "percent"),
        ("log_loss", "log-loss", ".3f"),
    )

    def faults(self, names: tuple[str, ...], details: Json) -> list[str]:
        return ["classes: fewer than 2"] if len(names) < 2 else []

    def joins(self, several: int, whole: int) -> str:
        return ""

    def is_missing(self, label: str) -> bool:
        return is_missing(label)

    def recognise(self, labels: Sequence[str]) -> str:
        return ""

    def problems(self, labels: Sequence[str], table: bool) -> list[str]:
        return [*checks.name_problems(labels), *checks.look_alike_problems(labels, table)]

    def read(self, labels: Sequence[str], names: tuple[str, ...] | None = None) -> Read:
        known = tuple(sorted(set(labels))) if names is None else names
        numbers = {name: number for number, name in enumerate(known)}
        faults = {row: "the model does not know its class" for row, one in enumerate(labels) if one not in numbers}
        return Read(known, np.array([numbers.get(label, 0) for label in labels], dtype=np.int32), faults)

    def write(self, names: tuple[str, ...], target: Any) -> str:
        return names[int(target)]

    def merge(self, targets: Targets) -> Any | None:
        return targets[0] if (targets == targets[0]).all() else None

    def finish(self, dataset: Dataset, options: LoadOptions, problems: list[str]) -> Dataset:
        dataset = leave_out(dataset, checks.small_classes(dataset, options.min_per_class), options)
        dataset = without_untrained_classes(dataset)
        problems = [*problems, *checks.obstacles(dataset)]
        if problems:
            raise DataError(dataset.pointed_at, problems, [finding.message for finding in dataset.findings])
        if dataset.split == "made":
            dataset = dealt(dataset, options.seed)
        findings = [*checks.part_findings(dataset), checks.too_many_classes(dataset)]
        return replace(dataset, findings=(*dataset.findings, *(finding for finding in findings if finding)))

    def lost(self, before: Dataset, after: Dataset) -> list[str]:
        train = PARTS.index("train")
        gone = before.counts()[:, train].astype(bool) & ~after.counts()[:, train].astype(bool)
        return [name for name, is_lost in zip(before.classes, gone, strict=True) if is_lost]

    def overview(self, dataset: Dataset) -> list[Block]:
        counts = dataset.counts()
        rows = [
            (name, *(f"{count:,}" if count else "–" for count in row))
            for name, row in list(zip(dataset.classes, counts, strict=True))[:MOST_ROWS]
        ]
        columns = (GridColumn("class", "name"), *(GridColumn(part, rank=number) for number, part in enumerate(PARTS)))
        last = ("all", *(f"{count:,}" for count in counts.sum(axis=0)))
        return [Grid("", columns, rows, max(0, len(dataset.classes) - MOST_ROWS), last)]

    def counted(self, dataset: Dataset) -> str:
        return f"of {len(dataset.classes):,} classes"

    def describe(self, dataset: Dataset) -> Json:
        counts = dataset.counts()
        return {
            "classes": [
                {"name": name, **{part: int(count) for part, count in zip(PARTS, row, strict=True)}}
                for name, row in zip(dataset.classes, counts, strict=True)
            ]
        }

    def objective(self, outputs: int) -> Objective:
        return Softmax(outputs)

    def loss(self, plan: Any) -> Loss | None:
        return None

    def calibrate(
        self, head: LinearHead, temperature: float, scores: Scores, dataset: Dataset, rows: NDArray[np.intp]
    ) -> Calibrated:
        held_out = softmax(scores / temperature)
        return Calibrated(head, temperature, lambda own: softmax(own / temperature), unknown_threshold(held_out))

    def answers(self, scores: Scores) -> Answers:
        return softmax(scores)

    def evaluate(self, answers: Answers, targets: Targets, about: About, details: Json) -> Evaluation:
        return evaluate_probabilities(
            part=about.part,
            probabilities=answers,
            labels=targets,
            classes=about.names,
            sources=about.sources,
            notes=about.notes,
            root=about.root,
            noun=about.noun,
            texts=about.texts,
            groups=about.groups,
        )

    def figure(self, evaluation: Evaluation) -> Interval:
        return evaluation.accuracy

    def headline(self, evaluation: Evaluation) -> Headline:
        a = evaluation.accuracy
        return Headline(
            figure=percent(a.value),
            what="right",
            interval=f"95% interval {percent(a.low)} to {percent(a.high)}",
            sentence=f"of {evaluation.samples:,} {evaluation.noun}s named right; the true rate lies between "
            f"{percent(a.low)} and {percent(a.high)} with 95% confidence.",
        )

    def summary(self, evaluation: Evaluation) -> list[Block]:
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
            self._figures(evaluation, loss=f"{evaluation.log_loss:.3f}"),
            Grid("", columns, rows, max(0, len(ordered) - MOST_ROWS)),
            *([Lines("Most often confused:", confused)] if confused else []),
        ]

    def page(self, evaluation: Evaluation) -> list[Block]:
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
            self._figures(evaluation, loss=f"{evaluation.log_loss:.3f}", guessing=guessing),
            Grid("How each class fares", columns, rows, words=told),
            *([matrix] if len(worst) <= MOST_CLASSES else []),
            *([Lines("", confused)] if confused else []),
            trust,
            *([Gallery("Its most confident mistakes", mistakes)] if mistakes else []),
        ]

    def _figures(self, evaluation: Evaluation, loss: str, guessing: str = "") -> Figures:
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

    def predict(self, source: str, answer: NDArray[np.float64], names: tuple[str, ...], model: Any, top: int) -> Any:
        best = np.argsort(-answer, kind="stable")[:top]
        return Prediction(
            source,
            tuple(names[label] for label in best),
            tuple(float(answer[label]) for label in best),
            unsure=float(1 - answer.max()) > model.unknown_threshold,
        )

    def failed(self, source: str, error: str) -> Prediction:
        return Prediction(source, (), (), error)

    def shown(self, prediction: Prediction) -> list[tuple[str, str]]:
        pairs = zip(prediction.classes, prediction.probabilities, strict=True)
        pieces = [("not sure:", "yellow")] if prediction.unsure else []
        for number, (name, probability) in enumerate(pairs):
            pieces += [(f"{name} {percent(probability)}", "dim" if number else "bold")]
        return pieces

    def compare(
        self, reference: Answers, found: Answers, targets: Targets | None, names: tuple[str, ...], about: Tolerance
    ) -> Compared:
        ours, theirs = reference.argmax(axis=1), found.argmax(axis=1)
        lead = reference.max(axis=1) - reference[np.arange(len(reference)), theirs]
        different = theirs != ours
        return Compared(
            different=different,
            ties=different & (lead < about.apart),
            gross=different & (lead > about.gross),
            righted=np.zeros(len(reference), np.bool_) if targets is None else theirs == targets,
            distance=np.abs(reference - found).sum(axis=1) / 2,
            told=lambda row: (
                names[int(ours[row])],
                names[int(theirs[row])],
                float(reference[row].max()),
                float(found[row].max()),
            ),
            right=None if targets is None else (ours == targets, theirs == targets),
        )

    def label(self, answer: NDArray[np.float64], names: tuple[str, ...], details: Json) -> str:
        return names[int(answer.argmax())]

    def plausible(self, answer: NDArray[np.float64], few_bits: float) -> bool:
        return bool(abs(answer.sum() - 1) <= few_bits)

    def output_meaning(self, count: int) -> dict[str, str]:
        return {
            "probabilities": f"(batch, {count}) calibrated probabilities, in the order of classes",
            "unknown": "(batch,) 1 minus the highest probability; above unknown_threshold say: not sure",
        }

    def activation(self) -> Any:
        import torch
        from torch import nn

        class Probabilities(nn.Module):
            def forward(self, scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
                probabilities = torch.softmax(scores, dim=1)
                return probabilities, 1 - probabilities.amax(dim=1)

        return Probabilities()


def unknown_threshold(held_out: NDArray[np.float64]) -> float:
    """The unknown score that 5% of known samples exceed, from probabilities (samples, classes) of held-out ones.

    The score is 1 minus the highest probability (Hendrycks & Gimpel 2017).
    """
    return float(np.quantile(1 - held_out.max(axis=1), 1 - DOUBTED))


CLASSIFICATION = Classification()
