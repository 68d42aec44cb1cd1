"""A model on disk: safetensors and JSON, with the checksums that tell whether either was damaged."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Interval, Len
from numpy.typing import NDArray

from graft.errors import RequestError, WorkError, listing
from graft.escaping import is_plain
from graft.records import AudioPreprocess, Card, Fraction, ImagePreprocess, Json, PairPreprocess, TextPreprocess
from graft.storage import check_closed, read_record, sha256_of, write_bytes, write_json
from graft.tasks.table import CLASSES

FORMAT = 2  # 1 named a packaged trunk by the hash of its file instead of its tensors
WEIGHTS, DESCRIPTION, CHECKSUMS = "model.safetensors", "model.json", "checksums.json"
TOKENIZER = "tokenizer.json"  # of a model of texts
TRANSCRIPT = "transcript"  # the kind of a model that writes down what is said
TEMPERATURES = (3e-4, 3e3)  # what fitting can give: e^-8 to e^8; beyond it all answers are certain, or none
MOST_TOKENIZER = 100_000_000  # bytes: that of a quarter of a million tokens has 20
MOST_CLASSES = 100_000
KINDS = {"image": ImagePreprocess, "text": TextPreprocess, "audio": AudioPreprocess, "pair": PairPreprocess}

ClassName = Annotated[str, Len(1, 1000)]


@dataclass(frozen=True, slots=True)
class Described:
    """What model.json must hold for a model to answer, each value in its range."""

    format: int
    classes: Annotated[list[ClassName], Len(1, MOST_CLASSES)]
    temperature: Annotated[float, Interval(ge=TEMPERATURES[0], le=TEMPERATURES[1])]
    trunk: str
    modality: str
    backbone: Card
    provenance: Json
    unknown_threshold: Fraction = 1.0
    kind: Literal["transcript"] | None = None
    words: list[str] = field(default_factory=list)  # of transcripts
    task: str = CLASSES.name
    details: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Versioned:
    format: Any = None
    graft: Any = "of an unknown version"


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


def read_description(folder: Path) -> Described:
    """The description of a model whose files are whole, and whose values are in their ranges.

    Raises `RequestError` where there is no model or one of another version, `WorkError` where a file is missing, is
    not the one that was written or is not listed, or a value cannot be.
    """
    if not folder.is_dir():
        raise RequestError(f"There is no model in {folder}. Expected the folder of a run, as graft fit writes it.")
    missing = [name for name in (WEIGHTS, DESCRIPTION, CHECKSUMS) if not (folder / name).is_file()]
    if missing:
        raise WorkError(f"The model in {folder} is not complete: {', '.join(missing)} missing. Run graft fit again.")
    sums = read_record(folder / CHECKSUMS, dict[str, str])
    check_closed(folder, {WEIGHTS: "", DESCRIPTION: "", **sums}, CHECKSUMS)
    version = read_record(folder / DESCRIPTION, _Versioned)
    if version.format != FORMAT:
        raise RequestError(
            f"The model in {folder} has format {str(version.format)[:20]}, and this graft reads format {FORMAT}. It "
            f"was written by graft {str(version.graft)[:20]}: use that version."
        )
    described = read_record(folder / DESCRIPTION, Described)
    problems = [*_faults_of_card(described), *faults_of_classes(described.classes, described.kind == TRANSCRIPT)]
    if problems:
        raise WorkError(f"{folder / DESCRIPTION} was changed or damaged: {'; '.join(problems)}. Do not use this model.")
    preprocess = described.backbone.preprocess
    if TOKENIZER not in sums or not isinstance(preprocess, TextPreprocess):
        return described
    preprocess = replace(preprocess, tokenizer=read_tokenizer(folder / TOKENIZER))
    return replace(described, backbone=replace(described.backbone, preprocess=preprocess))


def read_tokenizer(path: Path) -> str:
    """The JSON of a tokenizer; raises `WorkError` for what is none."""
    try:
        if path.stat().st_size > MOST_TOKENIZER:
            raise WorkError(f"{path} is larger than {MOST_TOKENIZER // 10**6} MB. Do not use this model.")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WorkError(f"{path} cannot be read as UTF-8. Copy the model again from where it was made.") from error


def faults_of_classes(classes: Sequence[str], letters: bool = False) -> list[str]:
    """What is wrong with the names of classes, or with `letters` of a model that writes: the same name twice, say."""
    twice = [repr(name) for name, count in Counter(classes).items() if count > 1]
    odd = [repr(name) for name in classes if not is_plain(name)]
    if letters:
        odd = [repr(name) for name in classes if len(name) != 1]
    found = [f"classes: {listing(twice)} more than once"] if twice else []
    return [*found, f"classes: {listing(odd)} cannot be shown"] if odd else found


def faults_of_preprocess(modality: str, preprocess: Any) -> list[str]:
    """What is wrong with the settings of a kind of sample besides the range of each."""
    if modality not in KINDS or not isinstance(preprocess, KINDS[modality]):
        return [f"preprocess: not that of a model of {modality!r:.20}"]
    if isinstance(preprocess, AudioPreprocess):
        inside = preprocess.least <= preprocess.samples <= preprocess.most <= 60 * preprocess.rate
        return [] if inside else ["preprocess: samples are not from least to most, or more than a minute"]
    text = preprocess.text if isinstance(preprocess, PairPreprocess) else preprocess
    if isinstance(text, TextPreprocess) and text.fixed is not None and text.fixed > text.tokens:
        return ["preprocess: fixed is more than tokens"]
    return []


def _faults_of_card(described: Described) -> list[str]:
    card = described.backbone
    found = faults_of_preprocess(card.modality, card.preprocess)
    if described.modality != card.modality:
        found.append("modality: not that of its backbone")
    if described.kind == TRANSCRIPT and card.modality != "audio":
        found.append("kind: only a model of recordings writes down what is said")
    return found


def read_head(folder: Path, rows: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weight (rows, width) and bias (rows,) of a model's last layer; raises `WorkError` for any other."""
    saved = read_tensors(folder, "head.")
    expected = {"weight": (rows, width), "bias": (rows,)}
    for name, shape in expected.items():
        value = saved.get(name)
        if value is None or value.shape != shape or value.dtype != np.float32 or not np.isfinite(value).all():
            found = "missing" if value is None else f"{value.dtype} of shape {value.shape}"
            raise WorkError(
                f"{folder / WEIGHTS}: head.{name} is {found}. Expected finite float32 of shape {shape}. Do not use "
                "this model."
            )
    return saved["weight"], saved["bias"]


def read_tensors(folder: Path, prefix: str) -> dict[str, NDArray[Any]]:
    """The tensors of a model whose names begin so, without the prefix; raises `WorkError` for a damaged file."""
    from safetensors import safe_open

    path = folder / WEIGHTS
    try:
        with safe_open(path, framework="np") as file:
            names: list[str] = list(file.keys())
            return {name.removeprefix(prefix): file.get_tensor(name) for name in names if name.startswith(prefix)}
    except Exception as error:  # SafetensorError, and what numpy raises for types and sizes that it does not have
        raise WorkError(f"{path} cannot be read as weights ({type(error).__name__}). Do not use this model.") from error
