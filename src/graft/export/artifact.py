"""The folder of an artifact: its manifest, and how it is opened again and asked."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Len
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from graft.adaptation.model import Model, Source
from graft.backbones.bounds import explained
from graft.backbones.licence import UNKNOWN
from graft.backbones.model_folder import (
    KINDS,
    MOST_CLASSES,
    TOKENIZER,
    ClassName,
    faults_of_classes,
    faults_of_preprocess,
    read_tokenizer,
)
from graft.backbones.tokenizer import check_tokenizer
from graft.dataset.task import Task
from graft.errors import MissingExtraError, RequestError, WorkError, listing, plural
from graft.escaping import markdown, shortened
from graft.export.classifier import outputs_of
from graft.export.parity import Parity, learnt
from graft.export.target import Probabilities, Runtime, Target, Variant
from graft.export.targets import TARGETS, lacking
from graft.export.to_app import MODEL, check_app
from graft.machine import usable_cores
from graft.modalities.modality import Modality, Prepared, UnreadableError
from graft.modalities.samples import tried
from graft.modalities.table import modality_of
from graft.progress import SILENT, Watch
from graft.records import Fraction, Json, Preprocess, TextPreprocess
from graft.storage import check_closed, read_record, sha256_of, write_bytes, write_json
from graft.tasks.table import CLASSES, task_of

FORMAT = 1
MANIFEST, PARITY, README = "manifest.json", "parity.json", "README.md"
AHEAD = 32  # samples that are decoded before the artifact is asked
NOT_ONE = 0.05  # what few bits may move the sum of probabilities by
MOST_NAMED = 20  # classes in README.md


@dataclass(frozen=True, slots=True)
class Manifest:
    """What manifest.json must hold for an artifact to answer."""

    format: int
    target: str
    variant: Variant
    modality: Literal["image", "text", "audio"]
    classes: Annotated[list[ClassName], Len(1, MOST_CLASSES)]
    unknown_threshold: Fraction
    preprocess: dict[str, Any]
    sha256: dict[str, str]
    task: str = CLASSES.name
    details: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Versioned:
    """What tells the version of a manifest."""

    format: Any = None
    target: str | None = None


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
        "task": model.task.name,
        "details": model.details,
        "modality": kind,
        "noun": model.modality.noun,
        "classes": list(model.classes),
        "input": _input(model, target),
        "outputs": list(outputs_of(model)),
        "output_meaning": model.task.output_meaning(len(model.classes)),
        "unknown_threshold": model.unknown_threshold,
        "temperature": model.temperature,
        "preprocess": preprocess,
        "left_to_do": "" if target.whole and kind != "text" else LEFT[kind],
        "accuracy": accuracy,
        "backbone": card.id,
        "licence": card.licence or UNKNOWN,
        "licence_source": card.licence_source,
        "licence_note": card.licence_note,
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
    task = task_of(manifest["task"])
    names = ", ".join(markdown(shortened(name)) for name in manifest["classes"][:MOST_NAMED])
    classes = names + (" and more" if len(manifest["classes"]) > MOST_NAMED else "")
    lines = [
        f"# {markdown(manifest['name'])} for {target.name} ({manifest['variant']})",
        "",
        f"{task.made.format(noun=manifest['noun'])}, {plural(len(manifest['classes']), task.classes_noun)}: {classes}.",
        f"Takes {manifest['input']['meaning']}: `{manifest['input']['name']}`, {manifest['input']['type']} "
        f"{manifest['input']['shape']}.",
        "",
        _licence(manifest),
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
        f"`golden/` holds inputs with the answers to expect: {manifest['golden']}. "
        + "; ".join(f"`{name}`: {told}" for name, told in manifest["output_meaning"].items())
        + f" (unknown_threshold is {manifest['unknown_threshold']:.3f}).",
    ]
    return "\n".join(lines) + "\n" + target.usage(manifest)


def _licence(manifest: Json) -> str:
    """Whose weights the model grew from, under which licence, and what is in doubt of it."""
    stated = f", as stated in {markdown(manifest['licence_source'])}" if manifest["licence_source"] else ""
    told = f"Weights from {markdown(manifest['backbone'])}. Their licence: {markdown(manifest['licence'])}{stated}."
    return f"{told} Note: {markdown(manifest['licence_note'])}" if manifest["licence_note"] else told


def _manifest(folder: Path) -> Manifest:
    """The manifest of a folder that holds exactly the files it lists; raises `WorkError` for any other."""
    version = read_record(folder / MANIFEST, Versioned)
    if version.format != FORMAT or version.target not in TARGETS:
        raise RequestError(f"{folder} was written by another version of graft. Export it again.")
    manifest = read_record(folder / MANIFEST, Manifest)
    check_closed(folder, manifest.sha256, MANIFEST)
    problems = faults_of_classes(manifest.classes)
    if problems:
        raise WorkError(f"{folder / MANIFEST} was changed or damaged: {listing(problems)}. Export it again.")
    return manifest


@dataclass(frozen=True)
class Checked:
    """A runtime whose answers are checked: a changed graph may run and answer something else."""

    runtime: Runtime
    task: Task
    classes: int
    folder: Path

    def run(self, sample: Prepared) -> Probabilities:
        """The probabilities of one sample; raises `WorkError` for an answer that holds none."""
        with explained(f"The artifact in {self.folder}"):
            answer = self.runtime.run(sample)
        shaped = answer.shape == (self.classes,) and np.isfinite(answer).all()
        if not shaped or not self.task.plausible(answer, NOT_ONE):
            names = plural(self.classes, self.task.classes_noun)
            raise WorkError(
                f"The artifact in {self.folder} does not answer with {self.task.output} of its {names}. Export it "
                "again, or do not use it."
            )
        return answer


def is_artifact(folder: Path) -> bool:
    """Whether a folder holds an artifact, or the page of one."""
    return (folder / MANIFEST).is_file() or (folder / "model" / MANIFEST).is_file()


class Artifact:
    """An exported model, opened once by its own runtime; it answers like a `Model`, and many threads at once."""

    def __init__(self, folder: Path) -> None:
        """Raises `RequestError` for a folder that is no artifact, `WorkError` where one of its files was changed."""
        if not is_artifact(folder):
            raise RequestError(f"{folder} is no artifact of graft (it has no {MANIFEST}).")
        if not (folder / MANIFEST).is_file():
            check_app(folder)
            folder = folder / MODEL
        self.folder = folder
        manifest = _manifest(folder)
        self.target = TARGETS[manifest.target]
        missing = lacking(self.target)
        if missing:
            raise MissingExtraError(missing, self.target.extra)
        self.classes = tuple(manifest.classes)
        self.task: Task = task_of(manifest.task)
        self.details = manifest.details
        faults = self.task.faults(self.classes, self.details)
        if faults:
            raise WorkError(f"{folder / MANIFEST} was changed or damaged: {listing(faults)}. Export it again.")
        self.modality: Modality = modality_of(manifest.modality)
        self.unknown_threshold = manifest.unknown_threshold
        self.preprocess = self._preprocess(manifest)
        with explained(f"The artifact in {folder}"):
            self.runtime: Runtime = Checked(self.target.open(folder), self.task, len(self.classes), folder)

    def _preprocess(self, manifest: Manifest) -> Preprocess:
        fields = dict(manifest.preprocess)
        if manifest.modality == "text":
            fields["tokenizer"] = read_tokenizer(self.folder / TOKENIZER)
        problems = []
        try:
            preprocess: Preprocess = TypeAdapter(KINDS[manifest.modality]).validate_python(fields)
            problems = faults_of_preprocess(manifest.modality, preprocess)
        except ValidationError as error:
            first = error.errors()[0]
            problems = [f"preprocess.{'.'.join(map(str, first['loc']))}: {first['msg']}"]
        if problems:
            raise WorkError(f"{self.folder / MANIFEST} was changed or damaged: {listing(problems)}. Export it again.")
        if isinstance(preprocess, TextPreprocess):
            check_tokenizer(preprocess)
        return preprocess

    def predict(
        self, sources: Sequence[Source], watch: Watch = SILENT
    ) -> Iterator[tuple[int, NDArray[np.float64] | UnreadableError]]:
        """Yield (number, probabilities) for files and samples in memory, in order, as `Model.predict` does."""
        with watch.task("Predicting", len(sources), f"{self.modality.noun}s") as advance:
            for number, sample in enumerate(self._samples(sources)):
                yield number, sample if isinstance(sample, UnreadableError) else self.runtime.run(sample)
                advance(1)

    def _samples(self, sources: Sequence[Source]) -> Iterator[Any]:
        """Samples in order, a few decoded ahead of their use: whole pictures would fill the memory otherwise."""
        if len(sources) == 1:  # a service asks one by one: threads would cost more than they bring
            yield self._sample(sources[0])
            return
        with ThreadPoolExecutor(usable_cores()) as pool:
            for start in range(0, len(sources), AHEAD):
                yield from pool.map(self._sample, sources[start : start + AHEAD])

    def _sample(self, source: Source) -> Any:
        modality, preprocess = self.modality, self.preprocess
        if self.target.whole:
            return tried(modality, source, lambda sample: modality.signal(sample, preprocess))
        return tried(modality, source, lambda sample: modality.prepare(sample, preprocess), preprocess)
