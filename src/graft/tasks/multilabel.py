"""Several labels for each sample, or none: what is on the shelf, what is wrong with the part, what a text is about."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graft.dataset.cells import is_missing
from graft.dataset.dataset import Dataset
from graft.dataset.options import LoadOptions
from graft.dataset.task import About, Answers, Calibrated, Compared, Loss, Read, Tolerance
from graft.errors import DataError, plural
from graft.evaluation.blocks import Block, Grid, GridColumn, Headline
from graft.evaluation.labels import MultilabelEvaluation, best_thresholds, evaluate_labels
from graft.evaluation.report import percent
from graft.heads.objective import Objective
from graft.heads.ridge import LinearHead, Scores, Targets
from graft.heads.sigmoid import Sigmoid, platt, sigmoid
from graft.records import PARTS, Interval, Json
from graft.tasks.class_checks import name_problems
from graft.tasks.label_checks import dealt_by_labels, findings_of_labels, without_few, without_unlearnable
from graft.tasks.label_words import headline_of, page_of, summary_of

BETWEEN, UNKNOWN = "|", "?"
LEAST = 6  # samples, so that every part has some
JOINED, LEAST_JOINED = 0.05, 20  # files that lie in several folders: with more of them so, the folders are labels
SHARED = 0.02  # of the labels of a table that join several: with more of them so, the data are of this kind
MOST_ROWS = 40  # in a terminal


@dataclass(frozen=True, slots=True)
class LabelsPrediction:
    """The labels that one input is given, and the most probable ones with their calibrated probabilities."""

    source: str
    labels: tuple[str, ...]
    most_probable: tuple[str, ...] = ()
    probabilities: tuple[float, ...] = ()
    error: str | None = None


class Multilabel:
    """A yes or no for each label: a sigmoid, calibrated and with a threshold of its own for every label."""

    name = "multilabel"
    classes_noun = "label"
    several = True
    contradiction = "has labels that contradict each other"
    steps = frozenset({"adapt", "scratch", "export", "audit"})
    evaluation: type = MultilabelEvaluation
    blind = "the same labels for all"
    rated_by = "labels right"
    output = "probabilities"
    asked = """
thresholds = manifest["details"]["thresholds"]
print([name for name, sure, least in zip(manifest["classes"], probabilities[0], thresholds) if sure >= least])
"""
    made = "A model that gives {noun}s labels, several or none"
    caveat = "It gives those of its {names} labels that it finds probable enough, none where it finds none."
    ladder_columns: tuple[tuple[str, str, str], ...] = (
        ("mean_average_precision", "mean average precision", "percent"),
        ("log_loss", "log-loss", ".3f"),
    )

    def faults(self, names: tuple[str, ...], details: Json) -> list[str]:
        found = details.get("thresholds")
        if not isinstance(found, list) or len(found) != len(names):
            return ["details.thresholds: not one for each label"]
        inside = all(isinstance(one, float) and 0 <= one <= 1 for one in found)
        return [] if inside else ["details.thresholds: not from 0 to 1"]

    def joins(self, several: int, whole: int) -> str:
        if several < max(LEAST_JOINED, JOINED * whole):
            return ""
        return (
            f"{several:,} of {whole:,} files lie in several folders: taken as several labels for each sample. If each "
            "is of one class, say so with --task classification."
        )

    def is_missing(self, label: str) -> bool:
        return bool(label) and is_missing(label)  # an empty cell says: none of them

    def recognise(self, labels: Sequence[str]) -> str:
        joined = [label for label in labels if BETWEEN in label]
        if not joined or len(joined) < SHARED * len(labels):
            return ""
        pieces = Counter(piece for label in labels for piece in _pieces(label))
        if sum(pieces.values()) < 2 * len(pieces):  # every piece is new: a sign that happens to stand in names
            return ""
        return (
            f"{len(joined):,} of {len(labels):,} labels name several ({joined[0]!r}): taken as several labels for each "
            "sample. If each is one class, say so with --task classification."
        )

    def problems(self, labels: Sequence[str], table: bool) -> list[str]:
        return name_problems([piece for label in labels for piece in _pieces(label)])

    def read(self, labels: Sequence[str], names: tuple[str, ...] | None = None) -> Read:
        pieces = [_pieces(label) for label in labels]
        said = {piece.removeprefix(UNKNOWN) for one in pieces for piece in one}
        known = tuple(sorted(said)) if names is None else names
        numbers = {name: number for number, name in enumerate(known)}
        targets = np.zeros((len(labels), len(known)), np.int8)
        faults: dict[int, str] = {}
        for row, one in enumerate(pieces):
            strange = [piece for piece in one if piece.removeprefix(UNKNOWN) not in numbers]
            if strange:
                faults[row] = f"the model does not know the label {strange[0]}"
                continue
            for piece in one:
                targets[row, numbers[piece.removeprefix(UNKNOWN)]] = -1 if piece.startswith(UNKNOWN) else 1
            if len(known) and (targets[row] == -1).all():
                faults[row] = "none of its labels is known"
        return Read(known, targets, faults)

    def write(self, names: tuple[str, ...], target: Any) -> str:
        parts = [f"{UNKNOWN if one < 0 else ''}{name}" for name, one in zip(names, target, strict=True) if one]
        return BETWEEN.join(parts)

    def merge(self, targets: Targets) -> Any | None:
        return targets.max(axis=0)  # yes before no before not known

    def finish(self, dataset: Dataset, options: LoadOptions, problems: list[str]) -> Dataset:
        dataset = without_few(dataset, options.min_per_class)
        if not dataset.classes:
            problems = [*problems, "There is no label that some samples have and others have not."]
        if len(dataset) < LEAST:
            problems = [*problems, f"There are {plural(len(dataset), dataset.modality.noun)}; {LEAST} are needed."]
        if not problems and dataset.split == "made":
            dataset = replace(dataset, parts=dealt_by_labels(dataset, options.seed))
        if not problems:
            dataset = without_unlearnable(dataset)
            problems = [] if dataset.classes else ["No label has both a yes and a no among the training samples."]
        if problems:
            raise DataError(dataset.pointed_at, problems, [finding.message for finding in dataset.findings])
        return replace(dataset, findings=(*dataset.findings, *findings_of_labels(dataset)))

    def lost(self, before: Dataset, after: Dataset) -> list[str]:
        train = PARTS.index("train")
        gone = before.counts()[:, train].astype(bool) & ~after.counts()[:, train].astype(bool)
        return [name for name, is_lost in zip(before.classes, gone, strict=True) if is_lost]

    def overview(self, dataset: Dataset) -> list[Block]:
        counts = dataset.counts()
        columns = (GridColumn("label", "name"), *(GridColumn(part, rank=number) for number, part in enumerate(PARTS)))
        rows = [
            (name, *(f"{count:,}" if count else "–" for count in row))
            for name, row in list(zip(dataset.classes, counts, strict=True))[:MOST_ROWS]
        ]
        last = (f"all {dataset.modality.noun}s", *(f"{dataset.count(part):,}" for part in PARTS))
        return [Grid("", columns, rows, max(0, len(dataset.classes) - MOST_ROWS), last)]

    def counted(self, dataset: Dataset) -> str:
        mean = (dataset.labels == 1).sum() / len(dataset)
        return f"with {plural(len(dataset.classes), 'label')}, {mean:.1f} each on average"

    def describe(self, dataset: Dataset) -> Json:
        return {
            "labels": [
                {"name": name, **{part: int(count) for part, count in zip(PARTS, row, strict=True)}}
                for name, row in zip(dataset.classes, dataset.counts(), strict=True)
            ]
        }

    def objective(self, outputs: int) -> Objective:
        return Sigmoid(outputs)

    def loss(self, plan: Any) -> Loss | None:
        smoothing = plan.label_smoothing

        def loss(scores: Any, targets: Any) -> Any:
            from torch.nn.functional import binary_cross_entropy_with_logits

            known = targets >= 0
            wanted = targets.clamp(min=0).to(scores.dtype) * (1 - smoothing) + smoothing / 2
            return (binary_cross_entropy_with_logits(scores, wanted, reduction="none") * known).sum()

        return loss

    def calibrate(
        self, head: LinearHead, temperature: float, scores: Scores, dataset: Dataset, rows: NDArray[np.intp]
    ) -> Calibrated:
        targets = dataset.labels[rows]
        scale, shift = platt(scores / temperature, targets)
        scale = scale / temperature

        def answers(own: Scores) -> Answers:
            return sigmoid(own * scale + shift)

        details = {"thresholds": [float(one) for one in best_thresholds(answers(scores), targets)]}
        return Calibrated(LinearHead(head.weight * scale, head.bias * scale + shift), 1.0, answers, 1.0, details)

    def answers(self, scores: Scores) -> Answers:
        return sigmoid(scores)

    def compare(
        self, reference: Answers, found: Answers, targets: Targets | None, names: tuple[str, ...], about: Tolerance
    ) -> Compared:
        thresholds = np.array(about.details["thresholds"])
        ours, theirs = reference >= thresholds, found >= thresholds
        other, lead = ours != theirs, np.abs(reference - thresholds)
        surest = np.where(other, lead, 0).max(axis=1)
        different = other.any(axis=1)

        def told(row: int) -> tuple[str, str, float, float]:
            label = int(np.where(other[row], lead[row], -1).argmax())
            given = [BETWEEN.join(n for n, one in zip(names, side[row], strict=True) if one) for side in (ours, theirs)]
            return given[0], given[1], float(reference[row, label]), float(found[row, label])

        right = None
        if targets is not None:
            right = tuple(((side == (targets == 1)) | (targets < 0)).all(axis=1) for side in (ours, theirs))
        return Compared(
            different=different,
            ties=different & (surest < about.apart),
            gross=different & (surest > about.gross),
            righted=np.zeros(len(reference), np.bool_) if right is None else right[1],
            distance=np.abs(reference - found).mean(axis=1),
            told=told,
            right=right,
        )

    def label(self, answer: NDArray[np.float64], names: tuple[str, ...], details: Json) -> str:
        return BETWEEN.join(n for n, p, t in zip(names, answer, details["thresholds"], strict=True) if p >= t)

    def plausible(self, answer: NDArray[np.float64], few_bits: float) -> bool:
        return bool((answer >= -few_bits).all() and (answer <= 1 + few_bits).all())

    def output_meaning(self, count: int) -> dict[str, str]:
        return {
            "probabilities": f"(batch, {count}) calibrated probabilities of a yes, in the order of classes; a label is "
            "given from its details.thresholds on",
            "unknown": "(batch,) 1 minus the highest probability; a sample without any label has a high one",
        }

    def activation(self) -> Any:
        import torch
        from torch import nn

        class Probabilities(nn.Module):
            def forward(self, scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
                probabilities = torch.sigmoid(scores)
                return probabilities, 1 - probabilities.amax(dim=1)

        return Probabilities()

    def evaluate(self, answers: Answers, targets: Targets, about: About, details: Json) -> MultilabelEvaluation:
        return evaluate_labels(
            about.part,
            answers,
            targets,
            np.array(details["thresholds"]),
            about.names,
            about.sources,
            notes=about.notes,
            root=about.root,
            noun=about.noun,
            texts=about.texts,
            groups=about.groups,
        )

    def rightness(self, answers: Answers, targets: Targets) -> NDArray[Any]:
        known = targets >= 0
        right = ((answers > 0.5) == (targets == 1)) & known
        return right.sum(axis=1) / np.maximum(known.sum(axis=1), 1)

    def figure(self, evaluation: MultilabelEvaluation) -> Interval:
        return evaluation.mean_average_precision

    def headline(self, evaluation: MultilabelEvaluation) -> Headline:
        return headline_of(evaluation)

    def summary(self, evaluation: MultilabelEvaluation) -> list[Block]:
        return summary_of(evaluation)

    def page(self, evaluation: MultilabelEvaluation) -> list[Block]:
        return page_of(evaluation)

    def predict(self, source: str, answer: NDArray[np.float64], names: tuple[str, ...], model: Any, top: int) -> Any:
        given = np.flatnonzero(answer >= np.array(model.details["thresholds"]))
        best = np.argsort(-answer, kind="stable")[:top]
        return LabelsPrediction(
            source,
            tuple(names[label] for label in given[np.argsort(-answer[given], kind="stable")]),
            tuple(names[label] for label in best),
            tuple(float(answer[label]) for label in best),
        )

    def failed(self, source: str, error: str) -> LabelsPrediction:
        return LabelsPrediction(source, (), error=error)

    def shown(self, prediction: LabelsPrediction) -> list[tuple[str, str]]:
        sure = dict(zip(prediction.most_probable, prediction.probabilities, strict=True))
        given = [(f"{name} {percent(sure[name])}" if name in sure else name, "bold") for name in prediction.labels]
        others = [(f"{name} {percent(one)}", "dim") for name, one in sure.items() if name not in prediction.labels]
        return [*(given or [("none of them", "bold")]), *others]


def _pieces(label: str) -> list[str]:
    return [piece for one in label.split(BETWEEN) if (piece := one.strip())]


MULTILABEL = Multilabel()
