"""What some verbs cannot do yet with some kinds of data."""

from graft.dataset.dataset import Dataset
from graft.errors import RequestError


def refuse_special(dataset: Dataset, verb: str) -> None:
    """Raise `RequestError` in a verb that needs classes, and samples of one kind."""
    if dataset.modality.name == "pair":
        raise RequestError(
            f"{dataset.pointed_at} holds pictures with texts, and {verb} works on samples of one kind only, so far. "
            "What takes pairs: graft data, fit, evaluate, predict and report."
        )
    if dataset.transcribed:
        raise RequestError(
            f"{dataset.pointed_at} holds recordings with transcripts, and {verb} works on classes only, so far. What "
            "takes transcripts: graft data, fit, evaluate and predict. Name a column of classes with --label."
        )
