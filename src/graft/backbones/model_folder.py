"""A model on disk: safetensors and JSON, with the checksums that tell whether either was damaged."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from graft.errors import RequestError, WorkError
from graft.records import Card, Json, Preprocess
from graft.storage import sha256_of, write_bytes, write_json

FORMAT = 1
WEIGHTS, DESCRIPTION, CHECKSUMS = "model.safetensors", "model.json", "checksums.json"


def write_model_folder(folder: Path, tensors: Mapping[str, np.ndarray[Any, Any]], description: Json) -> None:
    """Write weights, description and, last, their checksums; the same content gives the same bytes."""
    from safetensors.numpy import save

    write_bytes(folder / WEIGHTS, save(dict(sorted(tensors.items()))))
    write_json(folder / DESCRIPTION, {"format": FORMAT, **description})
    write_json(folder / CHECKSUMS, {name: sha256_of(folder / name) for name in (WEIGHTS, DESCRIPTION)})


def read_description(folder: Path) -> Json:
    """The description of a model whose files are whole.

    Raises `RequestError` where there is no model or one of another version, `WorkError` where a file is missing or
    is not the one that was written.
    """
    if not folder.is_dir():
        raise RequestError(f"There is no model in {folder}. Expected the folder of a run, as graft fit writes it.")
    missing = [name for name in (WEIGHTS, DESCRIPTION, CHECKSUMS) if not (folder / name).is_file()]
    if missing:
        raise WorkError(f"The model in {folder} is not complete: {', '.join(missing)} missing. Run graft fit again.")
    expected = _json(folder / CHECKSUMS)
    for name in (WEIGHTS, DESCRIPTION):
        if sha256_of(folder / name) != expected.get(name):
            raise WorkError(
                f"{folder / name} is not the file that graft wrote: its SHA-256 differs from {CHECKSUMS}. It was "
                "damaged or changed. Copy the run folder again from where it was made, or run graft fit again."
            )
    description = _json(folder / DESCRIPTION)
    if description.get("format") != FORMAT:
        raise RequestError(
            f"The model in {folder} has format {description.get('format')}, and this graft reads format {FORMAT}. "
            f"It was written by graft {description.get('graft', 'of an unknown version')}: use that version."
        )
    return description


def _json(path: Path) -> Json:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WorkError(f"{path} is damaged: {error}. Run graft fit again.") from error
    if not isinstance(content, dict):
        raise WorkError(f"{path} is damaged: expected a JSON object. Run graft fit again.")
    return content


def card_to_json(card: Card) -> Json:
    """A card as plain JSON."""
    return asdict(card)


def card_from_json(content: Json) -> Card:
    """The inverse of `card_to_json`."""
    preprocess = dict(content["preprocess"])
    preprocess |= {"mean": tuple(preprocess["mean"]), "std": tuple(preprocess["std"])}
    return Card(**{**content, "preprocess": Preprocess(**preprocess)})
