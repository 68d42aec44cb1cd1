"""What some verbs cannot do yet with some kinds of data, refused in one place."""

from graft.dataset.dataset import Dataset
from graft.dataset.task import Task
from graft.errors import RequestError
from graft.tasks.table import TASKS

VERBS = {
    "rank": "graft rank",
    "adapt": "graft.adapt",
    "audit": "graft audit",
    "export": "graft export",
    "app": "graft export --to app",
    "8 bits": "an export in 8 bits",
}
ALWAYS = "graft data, fit, evaluate, predict and report"


def refuse_unserved(dataset: Dataset, step: str) -> None:
    """Raise `RequestError` where a step cannot serve the task of a data set, or its kind of samples, so far."""
    if dataset.modality.name == "pair":
        raise RequestError(
            f"{dataset.pointed_at} holds pictures with texts, and {VERBS[step]} works on samples of one kind only, so "
            f"far. What takes pairs: {ALWAYS}."
        )
    refuse_task(dataset.task, step, str(dataset.pointed_at))


def refuse_task(task: Task, step: str, what: str) -> None:
    """Raise `RequestError` where a step cannot serve a task, so far; `what` is the data or the run."""
    if step in task.steps:
        return
    served = [one.name for one in TASKS.values() if step in one.steps]
    raise RequestError(
        f"{what} is for {task.name}, and {VERBS[step]} serves {' and '.join(served)}, so far. What serves {task.name}: "
        f"{ALWAYS}."
    )
