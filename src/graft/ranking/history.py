"""What finished runs taught: how much fine-tuning adds to a probe, and how sure that is."""

import dataclasses
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from graft.errors import WorkError
from graft.storage import data_folder, explain, read_record, write_json


@dataclass(frozen=True, slots=True)
class Past:
    """One finished run: its task, its backbone, and both accuracies on the samples that decided.

    `foreseen` is the accuracy of the delivered model on them, `met` that on its own test part once that was measured.
    """

    time: float
    dataset: str
    modality: str
    samples: int
    classes: int
    backbone: str
    probe: float
    fine_tuned: float
    deciding: int
    foreseen: float | None = None
    met: float | None = None
    tested: int = 0


def history_file() -> Path:
    """Where the history lies: $GRAFT_HISTORY, or a file in the platform's folder for data that is not a cache."""
    chosen = os.environ.get("GRAFT_HISTORY")
    return Path(chosen) if chosen else data_folder() / "history.json"


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


def meet(dataset: str, backbone: str, accuracy: float, samples: int) -> None:
    """Add what the model of a remembered run reached on its test part, so that later forecasts know how far they fall.

    Only the first measurement counts: a later one may be of another model that was chosen after the test was seen.
    """
    runs = read_history()
    for number, one in enumerate(runs):
        if (one.dataset, one.backbone) == (dataset, backbone) and one.foreseen is not None and one.met is None:
            runs[number] = dataclasses.replace(one, met=accuracy, tested=samples)
            write_history(runs, history_file())


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


def logit(share: float, samples: int) -> float:
    """The logit of a share of so many samples, smoothed so that 0 and 1 have one."""
    smoothed = (share * samples + 0.5) / (samples + 1)
    return math.log(smoothed / (1 - smoothed))
