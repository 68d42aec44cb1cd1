"""graft export: files that give the same answers elsewhere, or no files."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from graft.adaptation.model import Model, Source
from graft.backbones.licence import warning
from graft.data.refusal import refuse_task
from graft.errors import MissingExtraError, RequestError, WorkError, plural
from graft.export.artifact import is_artifact
from graft.export.parity import Check
from graft.export.ship import Shipped, Work, settle, ship, unfinished
from graft.export.target import Material, Target, Variant
from graft.export.targets import lacking, target_of
from graft.export.to_app import APP, MODEL, page_folder, write_page
from graft.modalities.modality import Modality, Prepared, UnreadableError
from graft.modalities.samples import opened
from graft.progress import SILENT, Watch
from graft.records import Json, Preprocess
from graft.run_folder import RunFolder
from graft.serving.predictor import expand, named_by
from graft.verbs.evaluate import part_of_run
from graft.verbs.golden import content_hash, golden_of, spread_over

VARIANTS: tuple[Variant, ...] = get_args(Variant)
Wanted = Literal["fp32", "fp16", "int8", "all"]
MOST_CHECKED = 1_000
SAME_LABEL = 0.995  # of the answers: a page had 97 of 100 labels of Python's by 8 bits that agreed on 98.7%
CALIBRATION = 256  # samples of the train part that set the ranges of 8 bits
PLAIN_NAMES = ("train", "training", "metadata", "data", "labels", "index")


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """How a run is exported.

    `variant` is one precision, "all" for each that the target has, or None for fp32, and for an app the smallest one
    that passes. `check` names files to compare on instead of the
    run's own held-out ones; labels are the names of their folders. `replace` moves an older artifact aside. `golden`
    names the files of which a few go into the artifact with the answers to expect; without it they are of the val part.
    """

    variant: Wanted | None = None
    check: Path | None = None
    replace: bool = False
    golden: Path | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """All artifacts of one command, the one that is recommended, and what a reader should know."""

    target: str
    artifacts: tuple[Shipped, ...]
    recommended: Path
    notes: tuple[str, ...]
    chosen: str = ""  # the variant in it, of several


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
    target = target_of("onnx" if to == APP else to)
    variants = _variants(target, options.variant or ("all" if to == APP else "fp32"))
    folder = RunFolder.open(run)
    model = folder.read_model(Model.load)
    _refuse(target, model)
    if to == APP:
        refuse_task(model.task, "app", "This run")
        page_folder()
    if "int8" in variants and "8 bits" not in model.task.steps:
        if options.variant == "int8":
            refuse_task(model.task, "8 bits", "This run")
        variants = tuple(one for one in variants if one != "int8")
    places = _places(folder, to, variants, out)
    _check_places(places, options.replace)
    check = _check(folder, model, options.check, watch)
    golden = golden_of(folder, model, options.golden, options.check)
    material = _material(folder, model, watch) if "int8" in variants else Material(model, watch=watch)
    work = Work(material, check, golden, _name(folder), _accuracy(folder), watch)
    if to == APP:
        return _app(work, variants, places[0])
    artifacts = tuple(ship(work, target, *one, _figures(one[1])) for one in zip(variants, places, strict=True))
    chosen = _smallest(artifacts)
    return Exported(to, artifacts, chosen, tuple(_notes(work)))


def _app(work: Work, variants: tuple[Variant, ...], place: Path) -> Exported:
    """The page with one of the artifacts."""
    target = target_of("onnx")
    with unfinished(place) as fresh:
        tried = [ship(work, target, one, fresh / one, _figures(place, one)) for one in variants]
        chosen = _for_the_page(tried)
        chosen.rename(fresh / MODEL)
        for one in variants:
            shutil.rmtree(fresh / one, ignore_errors=True)
        write_page(fresh, work.name)
        settle(fresh, place)
    artifacts = tuple(replace(one, folder=None if one.folder is None else place) for one in tried)
    return Exported(APP, artifacts, place, tuple(_notes(work)), chosen=chosen.name)


def _for_the_page(tried: Sequence[Shipped]) -> Path:
    """The smallest of those that all but always answer as the model does; where none does, of those that passed."""
    faithful = [one for one in tried if one.folder and one.parity and one.parity.agreement >= SAME_LABEL]
    return _smallest(faithful or tried)


def _figures(place: Path, variant: str = "") -> Path:
    return place.with_name(f"{place.name}{variant and '-'}{variant}.refused.json")


def _smallest(artifacts: Sequence[Shipped]) -> Path:
    """The folder of the smallest one that passed; raises `WorkError` where none did."""
    kept = [(one.megabytes, one.folder) for one in artifacts if one.folder is not None]
    if not kept:
        raise WorkError("\n".join(one.error for one in artifacts))
    return min(kept)[1]


def _variants(target: Target, wanted: Wanted) -> tuple[Variant, ...]:
    if wanted == "all":
        return target.variants
    if wanted not in VARIANTS:
        raise RequestError(f"variant {wanted!r} is not known. Expected: {', '.join(VARIANTS)} or all.")
    if wanted not in target.variants:
        raise RequestError(f"{target.name} has no {wanted}. It has: {', '.join(target.variants)}.")
    return (wanted,)


def _refuse(target: Target, model: Model) -> None:
    if model.modality.name == "pair":
        raise RequestError(
            "This model looks at pictures with texts through both networks, and graft exports one network, so far. Use "
            "it through graft predict, or graft.Predictor in Python."
        )
    refuse_task(model.task, "export", "This run")
    missing = lacking(target)
    if missing:
        raise MissingExtraError(missing, target.extra)
    reason = target.refuses(model)
    if reason:
        raise RequestError(reason)


def _places(folder: RunFolder, to: str, variants: tuple[Variant, ...], out: str | Path | None) -> list[Path]:
    if to == APP:
        return [folder.path / "export" / APP if out is None else Path(out)]
    if out is None:
        return [folder.path / "export" / f"{to}-{variant}" for variant in variants]
    return [Path(out) / variant if len(variants) > 1 else Path(out) for variant in variants]


def _check_places(places: Sequence[Path], aside: bool) -> None:
    """Raise `RequestError` for what is in the way; an older artifact moves `aside`, but only once a new one passed."""
    taken = [place for place in places if place.exists() and (not place.is_dir() or any(place.iterdir()))]
    strange = [place for place in taken if not is_artifact(place)]
    if strange:
        raise RequestError(f"{strange[0]} exists and is no artifact of graft. Choose another --out.")
    if taken and not aside:
        raise RequestError(
            f"{taken[0]} already holds an artifact. Choose another --out, or add --replace to move the old one aside."
        )


def _check(folder: RunFolder, model: Model, given: Path | None, watch: Watch) -> Check:
    """The held-out files: those named, or the run's test part (the reading is counted), or its val part."""
    if given is not None:
        return _given(folder, model, given, watch)
    parts = [row["part"] for row in folder.read_split()]
    part = next((one for one in ("test", "val", "train") if one in parts), "train")
    try:
        labelled = part_of_run(folder, part)  # type: ignore[arg-type]
    except WorkError as error:
        raise WorkError(f"{error} An export must be compared on files: give some with --check DIR.") from error
    if part == "test":
        folder.count_test_reading("export")
    rows = spread_over(len(labelled.contents), MOST_CHECKED)
    return Check(
        model,
        [labelled.contents[row] for row in rows],
        [labelled.sources[row] for row in rows],
        model.task.read([labelled.names[row] for row in rows], model.classes).targets,
        labelled.title,
        watch,
        frozenset() if part == "test" else frozenset(range(len(rows))),
    )


def _given(folder: RunFolder, model: Model, given: Path, watch: Watch) -> Check:
    """The files that somebody names; those of the run are known by their content, wherever they lie now."""
    if not (given.is_dir() or given.is_file()):
        what = "is not a regular file" if given.exists() else "does not exist"
        raise RequestError(f"--check {given} {what}. Expected a {model.modality.noun}, a folder of them, or a table.")
    expanded = list(expand(given, model.modality, watch, named_by(folder)))
    named = [(name, source) for name, source in expanded if not isinstance(source, UnreadableError)]
    if len(named) < len(expanded):
        watch.say(f"{plural(len(expanded) - len(named), 'row')} of {given} cannot be read and will not be compared.")
    if not named:
        raise RequestError(f"There is no {model.modality.noun} in {given} to compare on.")
    rows = spread_over(len(named), MOST_CHECKED)
    sources = [named[row][0] for row in rows]
    contents: list[Source] = [named[row][1] for row in rows]
    folders = [Path(source).parent.name for source in sources]
    read = model.task.read(folders, model.classes)
    targets = read.targets if not read.faults and "folders" in model.task.steps else None
    parts = {row["sha256"]: row["part"] for row in folder.read_split()}
    found = [parts.get(content_hash(content)) for content in contents]
    if "test" in found:
        folder.count_test_reading(f"export --check {given}")
    learnt = frozenset(row for row, part in enumerate(found) if part not in (None, "test"))
    return Check(model, contents, sources, targets, str(given), watch, learnt)


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
                rng = np.random.default_rng(int(row))
                clean, other = opened(modality, labelled.contents[row], partial(_both, modality, preprocess, rng))
                plain.append(clean)
                varied.append(other)
            advance(1)
    return Material(model, plain, varied, watch)


def _both(
    modality: Modality, preprocess: Preprocess, rng: np.random.Generator, sample: Any
) -> tuple[Prepared, Prepared]:
    """A sample as it is and varied."""
    return modality.prepare(sample, preprocess), modality.augment(sample, preprocess, rng)


def _name(folder: RunFolder) -> str:
    """The name of its folder or table; of a table whose name says nothing, that of the folder it lies in."""
    data = Path(folder.settings["data"]).resolve()
    return (data.parent.name if data.stem.lower() in PLAIN_NAMES else data.stem) or "model"


def _accuracy(folder: RunFolder) -> Json | None:
    """The accuracy that the run knows: of its test part, or else of what it was chosen on."""
    known = folder.read("evaluation.json", dict[str, Any])
    best = known.get("test") or next(iter(known.values()), None)
    if not best or "accuracy" not in best:  # other tasks have other figures
        return None
    return {**best["accuracy"], "samples": best["samples"], "part": best["part"]}


def _notes(work: Work) -> Iterator[str]:
    yield f"Golden files, which whoever gets the artifact sees: {work.golden.origin}."
    told = warning(work.material.model.backbone.card)
    if told:
        yield told
