"""The samples that leave with an artifact: of the val part, or those that somebody names, never of the test part."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from graft.adaptation.model import Model, Source
from graft.errors import RequestError, WorkError
from graft.export.golden import Golden
from graft.records import Part
from graft.run_folder import RunFolder
from graft.serving.predictor import expand
from graft.verbs.evaluate import hash_of, part_of_run

MOST_GOLDEN = 100  # samples of which the golden ones are chosen
GOLDEN: dict[Part, str] = {
    "val": "samples of the run's val part",
    "train": "samples of the run's train part, which the model was fitted on",
}


def golden_of(folder: RunFolder, model: Model, given: Path | None, check: Path | None) -> Golden:
    """Samples that may leave with the artifact: those named, or the run's val part, or its train part.

    None has the content of a sample of the test part: what was given away measures nothing any more.
    """
    locked = {row["sha256"] for row in folder.read_split() if row["part"] == "test"}
    if given is not None:
        contents = [content for _, content in expand(given, model.modality)]
        return Golden(_unlocked(contents, locked, str(given)), f"files of {given.name or given.absolute().name}")
    for part, origin in GOLDEN.items():
        with suppress(RequestError, WorkError):
            contents = list(part_of_run(folder, part).contents)
            return Golden(_unlocked(contents, locked, origin), origin)
    if check is None:
        raise WorkError(
            "An artifact carries a few golden files, and the run's data is gone: name some with --golden DIR."
        )
    contents = [content for _, content in expand(check, model.modality)]
    return Golden(_unlocked(contents, locked, str(check)), "some of the files that it was compared on")


def _unlocked(contents: Sequence[Source], locked: set[str], where: str) -> list[Source]:
    """Some of these samples, without those of the locked test part."""
    kept = [content for content in contents if content_hash(content) not in locked]
    if not kept:
        raise WorkError(
            f"No golden file can be taken from {where}: all of it is the run's locked test part, or there is nothing. "
            "Name others with --golden DIR."
        )
    return [kept[row] for row in spread_over(len(kept), MOST_GOLDEN)]


def spread_over(count: int, most: int) -> list[int]:
    """Numbers spread over all, the same every time."""
    return [int(one) for one in np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))]


def content_hash(content: Source) -> str:
    """The hash of a sample's content, empty for what cannot be read: the comparison tells of that."""
    with suppress(OSError):
        if isinstance(content, Path | bytes):
            return hash_of(content)
    return ""
