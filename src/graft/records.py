"""The frozen records that travel between the steps. Arrays are numpy; shapes stand in comments."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Len
from annotated_types import Interval as Within
from numpy.typing import NDArray

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")
Severity = Literal["info", "warning"]
Kind = Literal["image", "text", "audio", "pair"]
MOST_SIDE = 1024  # pixels: no published network looks at more, and a crop of 20,000 would fill the memory
MOST_TOKENS = 512  # that are read of a text, whatever the network could
MOST_SAMPLES = 60 * 192_000  # of sound: a minute at the highest rate
Name = Annotated[str, Len(1, 1000)]
Mean = Annotated[float, Within(ge=-1000, le=1000)]
Spread = Annotated[float, Within(ge=1e-4, le=1000)]
Samples = Annotated[int, Within(ge=1, le=MOST_SAMPLES)]
Token = Annotated[int, Within(ge=0, lt=2**31)]
Tokens = Annotated[int, Within(ge=1, le=MOST_TOKENS)]
Fraction = Annotated[float, Within(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something the data checks saw, and what was done about it."""

    kind: str
    severity: Severity
    message: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImagePreprocess:
    """How a decoded picture becomes the network's input: shorter side to `resize`, centre crop, normalise.

    `resize` and `crop` are pixels; `mean` and `std` are per RGB channel on the scale 0 to 1.
    """

    resize: Annotated[int, Within(ge=1, le=2 * MOST_SIDE)]
    crop: Annotated[int, Within(ge=1, le=MOST_SIDE)]
    interpolation: Literal["bilinear", "bicubic"]
    mean: tuple[Mean, Mean, Mean]
    std: tuple[Spread, Spread, Spread]


@dataclass(frozen=True, slots=True)
class TextPreprocess:
    """How a text becomes numbers of tokens: split by a tokenizer, cut after `tokens` of them.

    `tokenizer` is the JSON of the tokenizers library, named by its SHA-256 in `sha256`. `pad` fills up where texts
    stand side by side and `mask` stands for a word that is left out, if the tokenizer has one. With `fixed` every text
    is filled up to so many tokens.
    """

    sha256: str
    tokens: Tokens
    pad: Token
    mask: Token | None
    fixed: Tokens | None = None
    tokenizer: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AudioPreprocess:
    """How a recording becomes the network's input: one channel at `rate` Hz, its middle `samples` of them.

    A shorter recording is put into the middle of silence. `least` and `most` bound `samples` where it is suited to a
    data set; `scale` is what full volume becomes.
    """

    rate: Annotated[int, Within(ge=4_000, le=192_000)]
    samples: Samples
    least: Samples
    most: Samples
    scale: Annotated[float, Within(gt=0, le=65_536)] = 1.0


@dataclass(frozen=True, slots=True)
class PairPreprocess:
    """How a picture with a text becomes the inputs of two networks."""

    image: ImagePreprocess
    text: TextPreprocess


Preprocess = ImagePreprocess | TextPreprocess | AudioPreprocess | PairPreprocess


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a pretrained network before it is loaded; whoever reads one from a file checks the ranges.

    `parameters` and `macs` count the trunk without its source head; `width` is the number of features. `licence` is
    that of the weights, as SPDX writes it where it can, or "unknown"; `licence_source` says where it is stated and
    `licence_note` what is in doubt.
    """

    id: Name
    architecture: Annotated[str, Len(1, 20_000)]
    modality: str
    licence: str
    source: str
    parameters: Annotated[int, Ge(0)]
    macs: Annotated[int, Ge(0)]
    width: Annotated[int, Within(ge=1, le=1_000_000)]
    preprocess: Preprocess
    licence_source: str = ""
    licence_note: str = ""


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
class Estimate:
    """A value with the bounds of its 90% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Cost:
    """What a backbone costs, here and now."""

    parameters: int
    macs: int
    milliseconds: float  # for one sample on this machine, decoding left out; measured
    megabytes: float  # of its weights
    licence: str


@dataclass(frozen=True, slots=True)
class Ranked:
    """One candidate of a ranking."""

    id: str
    frozen: Estimate  # accuracy to expect of a head on the frozen network
    fine_tuned: Estimate  # accuracy to expect once it is trained
    best: float  # probability of being the best of the pool
    level: bool  # cannot be told from the leader
    scores: dict[str, float | None]
    prior: float | None  # accuracy on what it was trained on before
    prior_weight: float
    cost: Cost
    samples: int  # it was scored on: fewer where it fell behind early
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ranking:
    """Which backbone to choose, and why; candidates from first to last."""

    chosen: str
    why: str
    candidates: tuple[Ranked, ...]
    left_out: dict[str, str]  # id -> reason
    judged_on: str
    judged: int
    needed: int | None  # samples with which the first two could be told apart
    regime: str  # where the gain of fine-tuning comes from
    race: tuple[dict[str, Any], ...] = ()
    noun: str = "picture"  # what one sample is called


@dataclass(frozen=True, slots=True)
class ArmResult:
    """How one way to make a classifier did, on the samples that all of them were judged on."""

    key: str
    name: str
    accuracy: float  # mean over seeds
    seeds: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Compared:
    """The accuracy of one arm minus that of another, with its 95% interval and what may be said of it."""

    first: str
    second: str
    question: str
    difference: float
    low: float
    high: float
    p: float | None  # mid-p McNemar, adjusted for all comparisons (Holm); None where there are too few pairs
    finding: str | None  # None where there are too few samples
    needed: int | None


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that makes a comparison worth less, or, where it blocks, nothing."""

    kind: str
    message: str
    blocks: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the pretraining's knowledge transferred, and all that this rests on."""

    finding: str  # POSITIVE, NEGATIVE, EQUIVALENT, NOT HARMFUL, INCONCLUSIVE, TOO FEW, BLOCKED
    sentence: str
    judged_on: str
    samples: int
    arms: tuple[ArmResult, ...]
    comparisons: tuple[Compared, ...]
    alarms: tuple[Alarm, ...]
    label_efficiency: dict[str, Any] | None
    harmed: tuple[dict[str, Any], ...]  # classes whose recall fell against the probe
    layers: tuple[dict[str, Any], ...]
    budget: str
    seconds: float
    noun: str = "picture"  # what one sample is called
    rated_by: str = "accuracy"  # the figure that is compared


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
    text: str = ""  # the beginning of it, where it is a text


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
    noun: str = "picture"  # what one sample is called

    def __post_init__(self) -> None:
        """Raise `ValueError` for a confusion of classes that have no score, or more samples than there are."""
        for true, guess, count in self.confusion:
            if not 0 <= min(true, guess) <= max(true, guess) < len(self.per_class):
                raise ValueError(f"classes {true} and {guess} are confused, and {len(self.per_class)} are scored")
            if not 0 < count <= self.per_class[true].support:
                raise ValueError(f"{count} of {self.per_class[true].support} samples of class {true} are confused")
        if self.samples < 1 and (self.confusion or self.reliability):
            raise ValueError(f"{self.samples} samples were evaluated")


@dataclass(frozen=True, slots=True)
class Transcription:
    """What was heard in one recording, and what else it may have been, the more probable first."""

    source: str
    text: str
    probability: float
    others: tuple[tuple[str, float], ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """The most probable classes of one input, best first, with calibrated probabilities."""

    source: str
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]
    error: str | None = None
    unsure: bool = False  # less sure of it than of 95 in 100 samples of the kind that it learnt from


Json = dict[str, Any]
