"""graft export: files that give the same answers elsewhere, or no files."""

import dataclasses
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from graft.adaptation.model import Model, Source
from graft.errors import MissingExtraError, RequestError, WorkError, plural
from graft.export.artifact import MANIFEST, describe, seal
from graft.export.golden import write_golden
from graft.export.parity import Check, Parity
from graft.export.target import Material, Target, Variant
from graft.export.targets import lacking, target_of
from graft.modality import UnreadableError
from graft.progress import SILENT, Watch
from graft.records import Json
from graft.run_folder import RunFolder
from graft.serving.predictor import expand
from graft.storage import free_name, write_json
from graft.verbs.evaluate import part_of_run

VARIANTS: tuple[Variant, ...] = get_args(Variant)
Wanted = Literal["fp32", "fp16", "int8", "all"]
MOST_CHECKED = 1_000
CALIBRATION = 256  # samples of the train part that set the ranges of 8 bits
RESTRICTED = ("nc", "non-commercial", "noncommercial", "gpl", "research", "unknown", "yours to know")


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """How a run is exported.

    `variant` is one precision, or "all" for each that the target has. `check` names files to compare on instead of the
    run's own held-out ones; labels are the names of their folders. `replace` moves an older artifact aside.
    """

    variant: Wanted = "fp32"
    check: Path | None = None
    replace: bool = False


@dataclass(frozen=True, slots=True)
class Shipped:
    """One artifact, or why there is none. `parity` is None where its runtime does not run here."""

    variant: Variant
    folder: Path | None
    megabytes: float
    parity: Parity | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Exported:
    """All artifacts of one command, the one that is recommended, and what a reader should know."""

    target: str
    artifacts: tuple[Shipped, ...]
    recommended: Path
    notes: tuple[str, ...]


def export(
    run: str | Path,
    to: str = "onnx",
    out: str | Path | None = None,
    options: ExportOptions | None = None,
    watch: Watch = SILENT,
) -> Exported:
    """Write a run's model as files for another runtime, each compared with the model on held-out files first.

    Raises `WorkError` where none may be shipped; then nothing is left behind but the figures of the comparison.
    """
    options = options or ExportOptions()
    target = target_of(to)
    folder = RunFolder.open(Path(run))
    model = Model.load(folder.model)
    variants = _variants(target, options.variant)
    _refuse(target, model)
    places = {variant: _place(folder, target, variant, out, len(variants) > 1) for variant in variants}
    _make_room(places.values(), options.replace)
    check = _check(folder, model, options.check, watch) if target.verifiable else None
    material = _material(folder, model, watch) if "int8" in variants else Material(model)
    described = {"name": _name(folder), "accuracy": _accuracy(folder)}
    artifacts = tuple(_ship(material, target, one, places[one], check, described, watch) for one in variants)
    kept = [one for one in artifacts if one.folder is not None]
    if not kept:
        raise WorkError("\n".join(one.error for one in artifacts))
    chosen = min(kept, key=lambda one: one.megabytes)
    return Exported(target.name, artifacts, _folder_of(chosen), tuple(_notes(model)))


def _folder_of(artifact: Shipped) -> Path:
    if artifact.folder is None:
        raise AssertionError("an artifact that was kept has a folder")
    return artifact.folder


def _variants(target: Target, wanted: Wanted) -> tuple[Variant, ...]:
    if wanted == "all":
        return target.variants
    if wanted not in VARIANTS:
        raise RequestError(f"variant {wanted!r} is not known. Expected: {', '.join(VARIANTS)} or all.")
    if wanted not in target.variants:
        raise RequestError(f"{target.name} has no {wanted}. It has: {', '.join(target.variants)}.")
    return (wanted,)


def _refuse(target: Target, model: Model) -> None:
    missing = lacking(target)
    if missing:
        raise MissingExtraError(missing, target.extra)
    reason = target.refuses(model)
    if reason:
        raise RequestError(reason)


def _place(folder: RunFolder, target: Target, variant: Variant, out: str | Path | None, several: bool) -> Path:
    if out is None:
        return folder.path / "export" / f"{target.name}-{variant}"
    return Path(out) / variant if several else Path(out)


def _make_room(places: Iterator[Path] | Any, replace: bool) -> None:
    """Nothing that is there is overwritten; an older artifact is moved aside where that is asked for."""
    taken = [place for place in places if place.exists() and (not place.is_dir() or any(place.iterdir()))]
    strange = [place for place in taken if not (place / MANIFEST).is_file()]
    if strange:
        raise RequestError(f"{strange[0]} exists and is no artifact of graft. Choose another --out.")
    if taken and not replace:
        raise RequestError(
            f"{taken[0]} already holds an artifact. Choose another --out, or add --replace to move the old one aside."
        )
    for place in taken:
        place.rename(free_name(place.with_name(f"{place.name}.old")))


def _check(folder: RunFolder, model: Model, given: Path | None, watch: Watch) -> Check:
    """The held-out files: those named, or the run's test part (the reading is counted), or its val part."""
    if given is not None:
        return _given(model, given, watch)
    parts = [row["part"] for row in folder.read_split()]
    part = next((one for one in ("test", "val", "train") if one in parts), "train")
    try:
        labelled = part_of_run(folder, part)  # type: ignore[arg-type]
    except WorkError as error:
        raise WorkError(f"{error} An export must be compared on files: give some with --check DIR.") from error
    if part == "test":
        folder.count_test_reading("export")
    numbers = {name: number for number, name in enumerate(model.classes)}
    rows = _some(len(labelled.contents), MOST_CHECKED)
    return Check(
        model,
        [labelled.contents[row] for row in rows],
        [labelled.sources[row] for row in rows],
        [numbers[labelled.names[row]] for row in rows],
        labelled.title,
        watch,
    )


def _given(model: Model, given: Path, watch: Watch) -> Check:
    named = list(expand([str(given)], model.modality))
    if not named:
        raise RequestError(f"There is no {model.modality.noun} in {given} to compare on.")
    rows = _some(len(named), MOST_CHECKED)
    sources = [named[row][0] for row in rows]
    contents: list[Source] = [named[row][1] for row in rows]
    folders = [Path(source).parent.name for source in sources]
    known = {name: number for number, name in enumerate(model.classes)}
    labels = [known[name] for name in folders] if set(folders) <= set(known) else None
    return Check(model, contents, sources, labels, str(given), watch)


def _some(count: int, most: int) -> list[int]:
    """Numbers spread over all, the same every time."""
    return [int(one) for one in np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))]


def _material(folder: RunFolder, model: Model, watch: Watch) -> Material:
    """The model with samples of the train part, in random order, the same every time."""
    try:
        labelled = part_of_run(folder, "train")
    except (WorkError, RequestError) as error:
        raise WorkError(f"{error} 8 bits need samples of the train part; --variant fp16 does not.") from error
    modality, preprocess = model.modality, model.backbone.card.preprocess
    order = np.random.default_rng(0).permutation(len(labelled.contents))[:CALIBRATION]
    plain, varied = [], []
    with watch.task("Preparing samples for 8 bits", len(order), f"{modality.noun}s") as advance:
        for row in order:
            with suppress(UnreadableError):
                sample = modality.decode(labelled.contents[row])
                plain.append(modality.prepare(sample, preprocess))
                varied.append(modality.augment(sample, preprocess, np.random.default_rng(int(row))))
            advance(1)
    return Material(model, plain, varied)


def _ship(
    material: Material,
    target: Target,
    variant: Variant,
    place: Path,
    check: Check | None,
    described: Json,
    watch: Watch,
) -> Shipped:
    """Write one artifact beside its place, compare it, and let it in only where it passed."""
    with _unfinished(place) as fresh:
        try:
            with watch.task(f"Writing {target.name} ({variant})", 1, "file") as advance:
                target.write(material, variant, fresh)
                advance(1)
        except WorkError as error:
            return Shipped(variant, None, 0, None, str(error))
        megabytes = sum(path.stat().st_size for path in fresh.rglob("*") if path.is_file()) / 1e6
        parity = None if check is None else check.compare(target.open(fresh), variant, target.whole, megabytes)
        if parity is not None and not parity.passed:
            figures = place.with_name(f"{place.name}.refused.json")
            write_json(figures, dataclasses.asdict(parity))
            faults = " ".join(parity.faults)
            return Shipped(
                variant, None, megabytes, parity, f"{target.name} ({variant}) is not shipped. {faults} See {figures}."
            )
        if check is not None:
            write_golden(material.model, check, fresh, target.whole)
        manifest = describe(material.model, target, variant, described["name"], described["accuracy"])
        seal(fresh, material.model, target, manifest, parity)
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh.rename(place)
        place.with_name(f"{place.name}.refused.json").unlink(missing_ok=True)
    return Shipped(variant, place, megabytes, parity)


@contextmanager
def _unfinished(place: Path) -> Iterator[Path]:
    """A folder beside `place` that is gone afterwards, whatever happens; one that was left half-written goes too."""
    fresh = place.with_name(f".{place.name}.unfinished")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        yield fresh
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _name(folder: RunFolder) -> str:
    return Path(folder.settings["data"]).resolve().stem or "model"


def _accuracy(folder: RunFolder) -> Json | None:
    """The accuracy that the run knows: of its test part, or else of what it was chosen on."""
    known = folder.read("evaluation.json", dict[str, Any])
    best = known.get("test") or next(iter(known.values()), None)
    return best and {**best["accuracy"], "samples": best["samples"], "part": best["part"]}


def _notes(model: Model) -> Iterator[str]:
    licence = model.backbone.card.licence
    if any(word in licence.lower() for word in RESTRICTED):
        yield f"The licence of {model.backbone.card.id} is {licence!r}: make sure that it lets you ship this."


def told(shipped: Shipped) -> str:
    """What a comparison was made on, in words."""
    if shipped.parity is None:
        return "not compared: its runtime does not run on this machine"
    return f"compared on {plural(shipped.parity.samples, 'file')} ({shipped.parity.checked_on})"
