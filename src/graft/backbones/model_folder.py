"""A model on disk: safetensors and JSON, with the checksums that tell whether either was damaged."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Gt, Le, Lt, MinLen

from graft.errors import RequestError, WorkError
from graft.records import Card, Json
from graft.storage import read_record, sha256_of, write_bytes, write_json

FORMAT = 2  # 1 named a packaged trunk by the hash of its file instead of its tensors
WEIGHTS, DESCRIPTION, CHECKSUMS = "model.safetensors", "model.json", "checksums.json"
TOKENIZER = "tokenizer.json"  # of a model of texts
TRANSCRIPT = "transcript"  # the kind of a model that writes down what is said


@dataclass(frozen=True, slots=True)
class Description:
    """What model.json must hold for a model to answer."""

    classes: Annotated[list[str], MinLen(2)]
    temperature: Annotated[float, Gt(0), Lt(float("inf"))]
    trunk: str
    backbone: Card
    provenance: Json
    unknown_threshold: Annotated[float, Ge(0), Le(1)] = 1.0


def write_model_folder(folder: Path, tensors: Mapping[str, np.ndarray[Any, Any]], description: Json) -> None:
    """Write weights, description and, last, their checksums; the same content gives the same bytes.

    A tokenizer stands in a file of its own, in the layout of the tokenizers library.
    """
    from safetensors.numpy import save

    write_bytes(folder / WEIGHTS, save(dict(sorted(tensors.items()))))
    names = [WEIGHTS, DESCRIPTION]
    card = description["backbone"]
    if card["preprocess"].get("tokenizer"):
        write_bytes(folder / TOKENIZER, card["preprocess"]["tokenizer"].encode())
        names.append(TOKENIZER)
        description = {**description, "backbone": {**card, "preprocess": {**card["preprocess"], "tokenizer": ""}}}
    write_json(folder / DESCRIPTION, {"format": FORMAT, **description})
    write_json(folder / CHECKSUMS, {name: sha256_of(folder / name) for name in names})


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
    expected = read_record(folder / CHECKSUMS, dict[str, str])
    for name in dict.fromkeys([WEIGHTS, DESCRIPTION, *expected]):
        if not (folder / name).is_file() or sha256_of(folder / name) != expected.get(name):
            raise WorkError(
                f"{folder / name} is not the file that graft wrote: its SHA-256 differs from {CHECKSUMS}. It was "
                "damaged or changed. Copy the run folder again from where it was made, or run graft fit again."
            )
    description = read_record(folder / DESCRIPTION, dict[str, Any])
    if description.get("format") != FORMAT:
        raise RequestError(
            f"The model in {folder} has format {description.get('format')}, and this graft reads format {FORMAT}. "
            f"It was written by graft {description.get('graft', 'of an unknown version')}: use that version."
        )
    read_record(folder / DESCRIPTION, Description)
    if TOKENIZER in expected:
        description["backbone"]["preprocess"]["tokenizer"] = (folder / TOKENIZER).read_text(encoding="utf-8")
    return description
