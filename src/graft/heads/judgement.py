"""How good scores are on samples that were not trained on, sample by sample, at their best temperature."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graft.heads.ridge import Scores, one_hot
from graft.heads.temperature import fit_temperature, softmax


@dataclass(frozen=True, slots=True)
class Judgement:
    """The Brier score decides between models: it is as proper as the log-loss, and bounded.

    On a hundred samples a handful of confident mistakes decide a log-loss. On fruit (111 val pictures) it rose while
    accuracy still did, and pictures of other visits agreed with the accuracy; the Brier score follows both.
    """

    temperature: float
    log_loss: float
    squares: NDArray[np.float64]  # (samples,), of classes from 0 to 2: squared distance from the truth
    right: NDArray[Any]  # (samples,), how right each answer is: of classes yes or no, else from 0 to 1
    figures: Mapping[str, float] = field(default_factory=dict)  # what a person is told of it, the first decides

    @classmethod
    def of(cls, scores: Scores, labels: NDArray[np.int32]) -> "Judgement":
        """Judge scores of any scale: (samples, classes)."""
        temperature, loss = fit_temperature(scores, labels)
        distance = softmax(scores / temperature) - one_hot(labels, scores.shape[1])
        right = scores.argmax(axis=1) == labels
        figures = {"accuracy": float(right.mean()), "log_loss": loss}
        return cls(temperature, loss, (distance**2).sum(axis=1), right, figures)

    @property
    def brier(self) -> float:
        return float(self.squares.mean())

    @property
    def accuracy(self) -> float:
        return float(self.right.mean())

    def within_one_error_of(self, other: "Judgement") -> bool:
        """Whether another is better by no more than one standard error of the paired difference."""
        difference = self.squares - other.squares
        return float(difference.mean()) <= float(difference.std(ddof=1) / np.sqrt(len(difference)))

    def is_no_worse_on(self, rows: NDArray[np.bool_], other: "Judgement") -> bool:
        """Whether neither accuracy nor Brier score is worse than another's on some of the samples."""
        right, squares = self.right[rows], self.squares[rows]
        return bool(right.sum() >= other.right[rows].sum() and squares.sum() <= other.squares[rows].sum())
