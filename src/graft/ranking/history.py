"""What finished runs taught: how much fine-tuning adds to a probe, and how sure that is."""

import dataclasses
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs

from graft.errors import WorkError
from graft.records import Estimate
from graft.storage import explain, read_record, write_json

ASSUMED_GAIN, ASSUMED_SPREAD = 0.35, 0.5  # in logits; an assumption until own runs replace it (science, R6)
ENOUGH = 9  # runs on other tasks from which 90% of the errors can be bounded


@dataclass(frozen=True, slots=True)
class Past:
    """One finished run: its task, its backbone, and both accuracies on the samples that decided."""

    time: float
    dataset: str
    modality: str
    samples: int
    classes: int
    backbone: str
    probe: float
    fine_tuned: float
    deciding: int


def history_file() -> Path:
    """Where the history lies: $GRAFT_HISTORY, or a file in the platform's folder for data that is not a cache."""
    chosen = os.environ.get("GRAFT_HISTORY")
    return Path(chosen) if chosen else Path(platformdirs.user_data_dir("graft")) / "history.json"


def read_history() -> list[Past]:
    """All finished runs, oldest first; raises `WorkError` for a file that is damaged."""
    path = history_file()
    if not path.exists():
        return []
    try:
        return read_record(path, list[Past])
    except WorkError as error:
        raise WorkError(f"The history in {path} was changed or damaged. graft history --erase begins anew.") from error


def remember(past: Past) -> None:
    """Add a run; a run of the same data and backbone takes the place of the older one."""
    kept = [one for one in read_history() if (one.dataset, one.backbone) != (past.dataset, past.backbone)]
    write_history([*kept, past], history_file())


def write_history(runs: Sequence[Past], path: Path) -> None:
    """Write a history, here or elsewhere."""
    write_json(path, [dataclasses.asdict(one) for one in runs])


def erase_history() -> int:
    """Forget all runs; returns how many there were."""
    path = history_file()
    try:
        count = len(read_history())
    except WorkError:
        count = 0
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise WorkError(f"Could not erase {path}: {explain(error)}") from error
    return count


@dataclass(frozen=True, slots=True)
class Gain:
    """What fine-tuning adds to the logit of a probe's accuracy, and the half-width that holds 90% of the errors."""

    mean: float
    half: float
    runs: int  # that it was learnt from; 0 is the assumption

    @property
    def regime(self) -> str:
        if self.runs == 0:
            return "an uncalibrated assumption, for want of finished runs on other tasks"
        return f"learnt from {self.runs} finished runs on other tasks"

    def apply(self, probe: float, samples: int) -> Estimate:
        """The accuracy to expect after fine-tuning, with its 90% interval."""
        middle = logit(probe, samples) + self.mean
        value, low, high = (1 / (1 + math.exp(-(middle + by))) for by in (0.0, -self.half, self.half))
        return Estimate(value, low, high)


def learn_gain(runs: Sequence[Past], modality: str, dataset: str) -> Gain:
    """From the runs of a modality on other data: the median gain, and split-conformal bounds with whole tasks left out.

    Each run's error is taken against the median of the runs on other tasks than its own (Vovk et al. 2005). With fewer
    than nine runs or two tasks the assumption stands.
    """
    known = [one for one in runs if one.modality == modality and one.dataset != dataset]
    tasks = np.array([one.dataset for one in known])
    if len(known) < ENOUGH or len(set(tasks)) < 2:
        return Gain(ASSUMED_GAIN, 1.645 * ASSUMED_SPREAD, 0)
    gains = np.array([logit(one.fine_tuned, one.deciding) - logit(one.probe, one.deciding) for one in known])
    errors = np.sort([abs(gain - np.median(gains[tasks != task])) for gain, task in zip(gains, tasks, strict=True)])
    rank = math.ceil(0.9 * (len(errors) + 1))
    return Gain(float(np.median(gains)), float(errors[min(rank, len(errors)) - 1]), len(known))


def logit(share: float, samples: int) -> float:
    """The logit of a share of so many samples, smoothed so that 0 and 1 have one."""
    smoothed = (share * samples + 0.5) / (samples + 1)
    return math.log(smoothed / (1 - smoothed))
