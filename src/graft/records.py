"""The frozen records that travel between the steps. Arrays are numpy; shapes stand in comments."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")
Severity = Literal["info", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something the data checks saw, and what was done about it."""

    kind: str
    severity: Severity
    message: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preprocess:
    """How a decoded picture becomes the network's input: shorter side to `resize`, centre crop, normalise.

    `resize` and `crop` are pixels; `mean` and `std` are per RGB channel on the scale 0 to 1.
    """

    resize: int
    crop: int
    interpolation: Literal["bilinear", "bicubic"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a pretrained network before it is loaded.

    `parameters` and `macs` count the trunk without its source head; `width` is the number of features.
    """

    id: str
    architecture: str
    modality: str
    licence: str
    source: str
    parameters: int
    macs: int
    width: int
    preprocess: Preprocess


@dataclass(frozen=True, slots=True)
class Features:
    """What a frozen network sees in a data set: one row per sample, in the order asked for."""

    matrix: NDArray[np.float16]  # (samples, width), memory-mapped where the cache allows it
    engine: str
    computed: int  # rows computed now, the others came from the cache
    unreadable: dict[int, str] = field(default_factory=dict)  # row -> what went wrong


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95% confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Precision, recall and F1 of one class; `support` is its number of samples."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Mistake:
    """One sample that the model got wrong."""

    source: str
    truth: str
    predicted: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How good a model is on labelled samples, and how sure one can be."""

    part: str  # "test", "val", "cross-validation on train", or the path of another data set
    samples: int
    accuracy: Interval
    balanced_accuracy: Interval
    log_loss: float
    brier: float
    calibration_error: float  # expected calibration error over bins of equal mass
    per_class: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, int, int], ...]  # (true class, predicted class, count), zeros left out
    reliability: tuple[tuple[float, float, int], ...]  # (mean confidence, accuracy, samples) per bin
    mistakes: tuple[Mistake, ...]
    notes: tuple[str, ...] = ()
    root: str = ""  # where the sources of the mistakes lie


@dataclass(frozen=True, slots=True)
class Prediction:
    """The most probable classes of one input, best first, with calibrated probabilities."""

    source: str
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]
    error: str | None = None


Json = dict[str, Any]
