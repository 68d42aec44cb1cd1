"""All tasks, by name, and which of them labels are of."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import cast

from graft.dataset.task import Task
from graft.errors import RequestError
from graft.tasks.classification import CLASSIFICATION
from graft.tasks.multilabel import MULTILABEL
from graft.tasks.regression import REGRESSION
from graft.tasks.transcripts import TRANSCRIPTION

CLASSES: Task = CLASSIFICATION  # what labels are where nothing says otherwise
SPOKEN = cast(Task, TRANSCRIPTION)  # its heads and evaluations stand in the verbs so far
TASKS: dict[str, Task] = {one.name: one for one in (CLASSES, MULTILABEL, REGRESSION, SPOKEN)}


def task_of(name: str) -> Task:
    """The task of this name; raises `RequestError` for an unknown one."""
    if name not in TASKS:
        raise RequestError(f"There is no task called {name!r}. There are: {', '.join(TASKS)}.")
    return TASKS[name]


def joined_by_copies(labels: Sequence[str], hashes: Mapping[int, bytes]) -> tuple[Task, str]:
    """The task of files in folders, by how many contents lie in several of them, and why, where it is not classes."""
    folders: dict[bytes, set[str]] = defaultdict(set)
    for row, one in hashes.items():
        folders[one].add(labels[row])
    several = sum(len(one) > 1 for one in folders.values())
    for task in TASKS.values():
        why = task.joins(several, len(folders))
        if why:
            return task, why
    return CLASSES, ""


def recognised(labels: Sequence[str], asked: str | None) -> tuple[Task, str]:
    """The task that labels of a table are of, and why in words, empty where there is nothing to tell."""
    if asked is not None:
        return task_of(asked), ""
    for task in TASKS.values():
        why = task.recognise(labels)
        if why:
            return task, why
    return CLASSES, ""
