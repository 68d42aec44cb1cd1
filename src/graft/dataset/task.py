"""What is predicted: everything that differs between classes, several labels, numbers and transcripts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from graft.dataset.options import LoadOptions
from graft.evaluation.blocks import Block, Headline
from graft.heads.objective import Objective
from graft.heads.ridge import LinearHead, Scores, Targets
from graft.records import Interval, Json, Part

if TYPE_CHECKING:
    from graft.dataset.dataset import Dataset

Answers = NDArray[np.float64]  # (samples, outputs): probabilities, or numbers in the units of the data
Loss = Callable[[Any, Any], Any]  # scores and targets of a batch, as tensors -> the sum of the losses of its samples


@dataclass(frozen=True, slots=True)
class Read:
    """Labels as targets: the names of classes, labels or numbers, a row of targets for each, and what is wrong.

    `faults` says, by row, why a label cannot be used; the targets of such a row mean nothing.
    """

    names: tuple[str, ...]
    targets: Targets
    faults: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class About:
    """What an evaluation is of: the part, and what is known of its samples."""

    part: str
    names: tuple[str, ...]
    sources: Sequence[str]
    notes: Sequence[str] = ()
    root: str = ""
    noun: str = "picture"
    texts: Sequence[str] | None = None
    groups: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A head whose answers can be used: calibrated on held-out samples.

    `held_out_answers` makes answers of the scores that the head gave before. `details` is whatever else the answers
    need: thresholds, or the width of an interval.
    """

    head: LinearHead
    temperature: float
    held_out_answers: Callable[[Scores], Answers]
    unknown_threshold: float = 1.0
    details: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Compared:
    """The answers of two models to the same samples, (samples,) each.

    `ties` are different answers between which the first model could hardly choose, `gross` those that no rounding
    explains, `righted` those where the label says that the second is right; `distance` is how far apart they are, from
    0 to 1. `right` says which answers are right, where that is known; `told` gives both answers of a sample in words,
    with how sure each is.
    """

    different: NDArray[np.bool_]
    ties: NDArray[np.bool_]
    gross: NDArray[np.bool_]
    righted: NDArray[np.bool_]
    distance: NDArray[np.float64]
    told: Callable[[int], tuple[str, str, float, float]]
    right: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None = None


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far apart two answers may be: `apart` on average, `gross` for one; `details` are those of the model."""

    apart: float
    gross: float
    details: Json = field(default_factory=dict)


class Evaluated(Protocol):
    """What every evaluation says, whatever was predicted."""

    @property
    def part(self) -> str:
        """What it was measured on."""

    @property
    def samples(self) -> int:
        """How many."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know."""

    @property
    def root(self) -> str:
        """Where the sources lie."""

    @property
    def noun(self) -> str:
        """What one sample is called."""


class Answered(Protocol):
    """What every prediction says."""

    @property
    def source(self) -> str:
        """The sample."""

    @property
    def error(self) -> str | None:
        """Why there is no answer."""


class Task(Protocol):
    """One kind of target. `steps` names what it serves beside data, fit, evaluate, predict and report."""

    name: str  # in run.json, model.json and manifests, and what --task takes
    classes_noun: str  # what one of its names is called: class, label, number
    several: bool  # whether a sample may have several of them
    contradiction: str  # what copies of one sample do whose targets do not agree
    steps: frozenset[str]
    evaluation: type  # the record that `evaluate` gives
    blind: str  # what the best answer without a look at the sample is
    rated_by: str  # what an audit compares: accuracy, labels right, R2
    output: str  # the name of the answers in an exported graph
    asked: str  # Python code for the README of an artifact, from its outputs to an answer
    made: str  # what a model of it is, with {noun} for a sample: "A classifier of {noun}s"
    caveat: str  # what a user must know of its answers, with {noun} and {names}, the number of names
    ladder_columns: tuple[tuple[str, str, str], ...]  # figure, title and format of the ladder's columns

    def faults(self, names: tuple[str, ...], details: Json) -> list[str]:
        """What is wrong with the names and details of a model that somebody may have changed."""

    def joins(self, several: int, whole: int) -> str:
        """Why folders hold such targets where so many files of the whole lie in several of them; empty where not."""

    def is_missing(self, label: str) -> bool:
        """Whether a cell says that nothing is known of a sample."""

    def recognise(self, labels: Sequence[str]) -> str:
        """Why labels of a table can only be such targets, in words; empty where they need not be."""

    def problems(self, labels: Sequence[str], table: bool) -> list[str]:
        """What is wrong with labels, before any sample is opened."""

    def read(self, labels: Sequence[str], names: tuple[str, ...] | None = None) -> Read:
        """Labels as targets; with the `names` of a model, what it does not know is a fault or not known."""

    def write(self, names: tuple[str, ...], target: Any) -> str:
        """One target as its label, which `read` reads."""

    def merge(self, targets: Targets) -> Any | None:
        """The target of a sample of which there are copies; None where they contradict each other."""

    def finish(self, dataset: "Dataset", options: LoadOptions, problems: list[str]) -> "Dataset":
        """The data set with its parts dealt; raises `DataError` with all that stands in the way of a model."""

    def lost(self, before: "Dataset", after: "Dataset") -> list[str]:
        """Names that nothing is left of to train on, after samples vanished."""

    def overview(self, dataset: "Dataset") -> list[Block]:
        """What the targets of a data set are like, for a person."""

    def counted(self, dataset: "Dataset") -> str:
        """The end of "12 pictures ...": of how many classes, with how many labels."""

    def describe(self, dataset: "Dataset") -> Json:
        """The same for a machine."""

    def objective(self, outputs: int) -> Objective:
        """What heads are fitted to and judged by."""

    def loss(self, plan: Any) -> Loss | None:
        """What a training minimises; None for the cross-entropy of classes."""

    def calibrate(
        self, head: LinearHead, temperature: float, scores: Scores, dataset: "Dataset", rows: NDArray[np.intp]
    ) -> Calibrated:
        """Calibrate a head by the `scores`, in its own units and not divided by the temperature, of held-out rows."""

    def answers(self, scores: Scores) -> Answers:
        """Scores of a calibrated head, divided by its temperature, as answers."""

    def evaluate(self, answers: Answers, targets: Targets, about: About, details: Json) -> Any:
        """All figures with intervals."""

    def rightness(self, answers: Answers, targets: Targets) -> NDArray[Any]:
        """How right each answer is, (samples,), so that the mean is the figure that `rated_by` names."""

    def figure(self, evaluation: Any) -> Interval:
        """The one that decides."""

    def headline(self, evaluation: Any) -> Headline:
        """The result in one figure."""

    def summary(self, evaluation: Any) -> list[Block]:
        """What of an evaluation a terminal has room for."""

    def page(self, evaluation: Any) -> list[Block]:
        """All of it, for a page."""

    def predict(self, source: str, answer: NDArray[np.float64], names: tuple[str, ...], model: Any, top: int) -> Any:
        """One answer as a record."""

    def failed(self, source: str, error: str) -> Any:
        """The record of a sample that cannot be read."""

    def shown(self, prediction: Any) -> list[tuple[str, str]]:
        """One answer for a terminal: pieces of text with their style."""

    def compare(
        self, reference: Answers, found: Answers, targets: Targets | None, names: tuple[str, ...], about: Tolerance
    ) -> Compared:
        """How the answers of an exported model agree with those of the model itself."""

    def label(self, answer: NDArray[np.float64], names: tuple[str, ...], details: Json) -> str:
        """One answer as a label, which `read` reads."""

    def plausible(self, answer: NDArray[np.float64], few_bits: float) -> bool:
        """Whether finite numbers can be an answer at all, as far as few bits keep it."""

    def output_meaning(self, count: int) -> dict[str, str]:
        """What the two outputs of an exported graph mean."""

    def activation(self) -> Any:
        """A module from scores, divided by the temperature, to answers (batch, outputs) and unknown scores (batch,)."""


__all__ = ["About", "Answered", "Answers", "Calibrated", "Evaluated", "Loss", "Part", "Read", "Task"]
