"""One class of several for each sample: the target that most data have."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graft.dataset.cells import is_missing
from graft.dataset.dataset import Dataset
from graft.dataset.options import LoadOptions
from graft.dataset.task import About, Answers, Calibrated, Compared, Loss, Read, Tolerance
from graft.errors import DataError
from graft.evaluation import evaluate_probabilities
from graft.evaluation.blocks import (
    Block,
    Grid,
    GridColumn,
    Headline,
)
from graft.evaluation.report import percent
from graft.heads.objective import Objective, Softmax
from graft.heads.ridge import LinearHead, Scores, Targets
from graft.heads.temperature import softmax
from graft.records import PARTS, Evaluation, Interval, Json, Prediction
from graft.tasks import class_checks as checks
from graft.tasks.class_selection import dealt, leave_out, without_untrained_classes
from graft.tasks.class_words import headline_of, page_of, summary_of

DOUBTED = 0.05  # of the samples of known classes
MOST_ROWS = 40  # in a terminal


class Classification:
    """One class for each sample: probabilities by softmax, at one temperature (Guo et al. 2017)."""

    name = "classification"
    classes_noun = "class"
    several = False
    contradiction = "stands in two classes"
    steps = frozenset(
        {"rank", "adapt", "audit", "export", "app", "8 bits", "pairs", "history", "scratch", "neighbours", "folders"}
    )
    evaluation: type = Evaluation
    blind = "the majority class"
    rated_by = "accuracy"
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

    def rightness(self, answers: Answers, targets: Targets) -> NDArray[Any]:
        return answers.argmax(axis=1) == targets

    def figure(self, evaluation: Evaluation) -> Interval:
        return evaluation.accuracy

    def headline(self, evaluation: Evaluation) -> Headline:
        return headline_of(evaluation)

    def summary(self, evaluation: Evaluation) -> list[Block]:
        return summary_of(evaluation)

    def page(self, evaluation: Evaluation) -> list[Block]:
        return page_of(evaluation)

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
