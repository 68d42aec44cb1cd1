"""The folder of an artifact: its manifest, and how it is opened again and asked."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le, MinLen
from numpy.typing import NDArray
from pydantic import TypeAdapter

from graft.adaptation.model import Model, Source
from graft.backbones.model_folder import TOKENIZER
from graft.errors import MissingExtraError, RequestError, WorkError
from graft.escaping import markdown, shortened
from graft.export.classifier import OUTPUTS
from graft.export.parity import Parity, learnt
from graft.export.target import Target, Variant
from graft.export.targets import TARGETS, lacking
from graft.machine import usable_cores
from graft.modalities import modality_of
from graft.modality import Modality, UnreadableError
from graft.progress import SILENT, Watch
from graft.records import Json, Preprocess
from graft.storage import read_record, sha256_of, write_bytes, write_json

FORMAT = 1
MANIFEST, PARITY, README = "manifest.json", "parity.json", "README.md"
MOST_NAMED = 20  # classes in README.md


@dataclass(frozen=True, slots=True)
class Manifest:
    """What manifest.json must hold for an artifact to answer."""

    format: int
    target: str
    variant: Variant
    modality: str
    classes: Annotated[list[str], MinLen(2)]
    unknown_threshold: Annotated[float, Ge(0), Le(1)]
    preprocess: dict[str, Any]
    sha256: dict[str, str]


def describe(model: Model, target: Target, variant: Variant, name: str, accuracy: Json | None) -> Json:
    """The manifest without its checksums."""
    card = model.backbone.card
    preprocess = {key: value for key, value in asdict(card.preprocess).items() if key != "tokenizer"}
    kind = card.modality
    return {
        "format": FORMAT,
        "name": name,
        "target": target.name,
        "variant": variant,
        "model": target.file,
        "modality": kind,
        "noun": model.modality.noun,
        "classes": list(model.classes),
        "input": _input(model, target),
        "outputs": list(OUTPUTS),
        "output_meaning": {
            "probabilities": f"(batch, {len(model.classes)}) calibrated probabilities, in the order of classes",
            "unknown": "(batch,) 1 minus the highest probability; above unknown_threshold say: not sure",
        },
        "unknown_threshold": model.unknown_threshold,
        "temperature": model.temperature,
        "preprocess": preprocess,
        "left_to_do": "" if target.whole and kind != "text" else LEFT[kind],
        "accuracy": accuracy,
        "backbone": card.id,
        "licence": card.licence,
        "source": card.source,
        "provenance": model.provenance,
        "made": time.strftime("%Y-%m-%d"),
        "graft": version("graft-ml"),
        "versions": {package: _version(package) for package in ("torch", *target.packages)},
    }


LEFT = {
    "image": "Resize the shorter side with antialias and cut out the centre, as preprocess says; see README.md.",
    "text": "Split the text with tokenizer.json, keep the first preprocess.tokens numbers, and fill up with "
    "preprocess.pad to preprocess.fixed of them where that is a number.",
    "audio": "Bring the recording to preprocess.rate, take its middle preprocess.samples (amid silence where it is "
    "shorter), and scale full volume to 32767.",
}


def _input(model: Model, target: Target) -> Json:
    kind, preprocess = model.backbone.card.modality, model.backbone.card.preprocess
    from graft.export.onnx_front import NAMES

    if not target.whole:
        shape = ["batch", *("any" if size is None else size for size in model.modality.shape(preprocess))]
        types = {"image": "uint8", "text": "int64", "audio": "int16"}
        return {"name": "samples", "type": types[kind], "shape": shape, "meaning": "prepared samples"}
    shapes = {"image": ["batch", "height", "width", 3], "text": ["batch", "tokens"], "audio": ["batch", "time"]}
    meanings = {
        "image": "pictures of any size, upright, RGB, 0 to 255",
        "text": "the numbers of a text's tokens",
        "audio": "recordings of any length, one channel, full volume -1 to 1",
    }
    types = {"image": "uint8", "text": "int64", "audio": "float32"}
    return {"name": NAMES[kind], "type": types[kind], "shape": shapes[kind], "meaning": meanings[kind]}


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError

    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def seal(folder: Path, model: Model, target: Target, manifest: Json, parity: Parity | None) -> None:
    """Write what stands beside the model file, and last the manifest with the SHA-256 of every other file."""
    tokenizer = getattr(model.backbone.card.preprocess, "tokenizer", "")
    if tokenizer:
        write_bytes(folder / TOKENIZER, tokenizer.encode())
    told: Json = {"verified": False, "why": "Its runtime does not run on the machine that made it."}
    write_json(folder / PARITY, told if parity is None else {"verified": True, **asdict(parity)})
    write_bytes(folder / README, _readme(target, manifest, parity).encode())
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    sums = {path.relative_to(folder).as_posix(): sha256_of(path) for path in files}
    write_json(folder / MANIFEST, {**manifest, "sha256": sums})


def _readme(target: Target, manifest: Json, parity: Parity | None) -> str:
    names = ", ".join(markdown(shortened(name)) for name in manifest["classes"][:MOST_NAMED])
    classes = names + (" and more" if len(manifest["classes"]) > MOST_NAMED else "")
    lines = [
        f"# {markdown(manifest['name'])} for {target.name} ({manifest['variant']})",
        "",
        f"Names {len(manifest['classes'])} classes of {manifest['noun']}s: {classes}.",
        f"Takes {manifest['input']['meaning']}: `{manifest['input']['name']}`, {manifest['input']['type']} "
        f"{manifest['input']['shape']}. Weights from {markdown(manifest['backbone'])} "
        f"({markdown(manifest['licence'])}).",
        "",
    ]
    if parity is None:
        lines.append("**Not compared with the model:** its runtime does not run where it was made. Compare it first.")
    else:
        lines.append(
            f"Compared with the model in torch on {parity.samples:,} files ({markdown(parity.checked_on)}), "
            f"from bytes to label: the same answer on {100 * parity.agreement:.2f}%, "
            f"probabilities at most {parity.largest_difference:.4f} "
            f"apart; {parity.milliseconds:.1f} ms for one, {parity.megabytes:.1f} MB. See {PARITY}."
        )
        if parity.learnt_from:
            lines += ["", f"**{learnt(parity)}**"]
    if manifest["left_to_do"]:
        lines += ["", f"Left to do before it: {manifest['left_to_do']}"]
    lines += [
        "",
        f"`golden/` holds inputs with the answers to expect. Above an unknown score of "
        f"{manifest['unknown_threshold']:.3f} say: not sure.",
    ]
    return "\n".join(lines) + "\n" + target.usage(manifest)


def is_artifact(folder: Path) -> bool:
    """Whether a folder holds an artifact, or the page of one."""
    return (folder / MANIFEST).is_file() or (folder / "model" / MANIFEST).is_file()


class Artifact:
    """An exported model, opened by its own runtime; it answers like a `Model`."""

    def __init__(self, folder: Path) -> None:
        """Raises `RequestError` for a folder that is no artifact, `WorkError` where one of its files was changed."""
        if not is_artifact(folder):
            raise RequestError(f"{folder} is no artifact of graft (it has no {MANIFEST}).")
        folder = folder if (folder / MANIFEST).is_file() else folder / "model"
        self.folder = folder
        self.described = read_record(folder / MANIFEST, dict[str, Any])
        manifest = read_record(folder / MANIFEST, Manifest)
        if manifest.format != FORMAT or manifest.target not in TARGETS:
            raise RequestError(f"{folder} was written by another version of graft. Export it again.")
        for name, expected in manifest.sha256.items():
            if not (folder / name).is_file() or sha256_of(folder / name) != expected:
                raise WorkError(
                    f"{folder / name} is not the file that graft wrote: its SHA-256 differs from {MANIFEST}. Copy the "
                    "artifact again from where it was made, or export it again."
                )
        self.target = TARGETS[manifest.target]
        missing = lacking(self.target)
        if missing:
            raise MissingExtraError(missing, self.target.extra)
        self.classes = tuple(manifest.classes)
        self.modality: Modality = modality_of(manifest.modality)
        self.unknown_threshold = manifest.unknown_threshold
        self.preprocess = self._preprocess(manifest)
        self.runtime = self.target.open(folder)

    def _preprocess(self, manifest: Manifest) -> Preprocess:
        from graft.records import AudioPreprocess, ImagePreprocess, TextPreprocess

        kinds: dict[str, Any] = {"image": ImagePreprocess, "text": TextPreprocess, "audio": AudioPreprocess}
        fields = dict(manifest.preprocess)
        if manifest.modality == "text":
            fields["tokenizer"] = (self.folder / TOKENIZER).read_text(encoding="utf-8")
        preprocess: Preprocess = TypeAdapter(kinds[manifest.modality]).validate_python(fields)
        return preprocess

    def predict(
        self, sources: Sequence[Source], watch: Watch = SILENT
    ) -> Iterator[tuple[int, NDArray[np.float64] | UnreadableError]]:
        """Yield (number, probabilities) for files and samples in memory, in order, as `Model.predict` does."""
        with (
            watch.task("Predicting", len(sources), f"{self.modality.noun}s") as advance,
            ThreadPoolExecutor(usable_cores()) as pool,
        ):
            for number, sample in enumerate(pool.map(self._sample, sources)):
                yield number, sample if isinstance(sample, UnreadableError) else self.runtime.run(sample)
                advance(1)

    def _sample(self, source: Source) -> Any:
        modality = self.modality
        try:
            sample = modality.decode(source) if isinstance(source, Path | bytes) else modality.accept(source)
        except UnreadableError as error:
            return error
        take = modality.signal if self.target.whole else modality.prepare
        return take(sample, self.preprocess)
