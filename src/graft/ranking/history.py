"""What finished runs taught: how much fine-tuning adds to a probe, and how sure that is."""

import dataclasses
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from graft.errors import WorkError
from graft.storage import data_folder, explain, read_record, write_json

LOCK_SECONDS = 30  # how long another process may hold the history


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
    run: str = ""  # the id in its run.json; empty where an older graft wrote it


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
    """Add a run; it takes the place of an older one of the same data and backbone, unless that one was tested.

    What was tested stays as it is: the later model was made by somebody who had seen the test part.
    """
    with _alone():
        runs = read_history()
        same = [one for one in runs if (one.dataset, one.backbone) == (past.dataset, past.backbone)]
        if not any(one.met is not None for one in same):
            write_history([*(one for one in runs if one not in same), past], history_file())


def meet(dataset: str, backbone: str, accuracy: float, samples: int, run: str = "") -> None:
    """Add what the model of a remembered run reached on its test part, so that later forecasts know how far they fall.

    Only the first measurement counts: a later one may be of another model that was chosen after the test was seen.
    Where both have an id, `run` must be the run that is remembered.
    """
    with _alone():
        runs = read_history()
        for number, one in enumerate(runs):
            same = (one.dataset, one.backbone) == (dataset, backbone) and (not run or not one.run or run == one.run)
            if same and one.foreseen is not None and one.met is None:
                runs[number] = dataclasses.replace(one, met=accuracy, tested=samples)
                write_history(runs, history_file())
                return


@contextmanager
def _alone() -> Iterator[None]:
    """Entered while the history is read and written again, so that no other process's run is lost."""
    path = history_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=LOCK_SECONDS):
            yield
    except Timeout as error:
        raise WorkError(f"Another process has been writing to {path} for half a minute.") from error
    except OSError as error:
        raise WorkError(f"Could not write {path}: {explain(error)}") from error


def write_history(runs: Sequence[Past], path: Path) -> None:
    """Write a history, here or elsewhere."""
    write_json(path, [dataclasses.asdict(one) for one in runs])


def erase_history() -> int:
    """Forget all runs; returns how many there were."""
    path = history_file()
    with _alone():
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
