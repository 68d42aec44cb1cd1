"""graft fit: from a folder of labelled pictures to a model that works, with an honest number."""

import dataclasses
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from graft import machine
from graft.adaptation.model import Model
from graft.adaptation.probe import Probe, Samples, fit_probe
from graft.backbones import DEFAULT, Backbone, open_backbone
from graft.data import Dataset, LoadOptions, load
from graft.errors import RequestError
from graft.evaluation import evaluate_probabilities
from graft.features import extract
from graft.features.cache import DEFAULT_GB
from graft.progress import SILENT, Watch
from graft.ranking.ridge import LinearHead, Scores
from graft.ranking.temperature import softmax
from graft.records import PARTS, Evaluation, Json
from graft.run_folder import RunFolder, findings_json
from graft.verbs.record import Recorder
from graft.verbs.report import write_report

if TYPE_CHECKING:
    from graft.adaptation.ladder import Rung

Effort = Literal["quick", "good"]
EFFORTS: tuple[Effort, ...] = ("quick", "good")
CHOSE = "These pictures also chose the model and its temperature, so expect slightly less on new ones."
GAP_TO_TELL = 0.1  # cross-validation this much above the val part means that pictures of the train part are alike


@dataclass(frozen=True, slots=True)
class FitOptions:
    """How a model is made. `seed` stands in `load`; `cache_gb` bounds the features kept on disk."""

    backbone: str = DEFAULT
    effort: Effort = "quick"
    load: LoadOptions = LoadOptions()
    replace: bool = False
    cache_gb: float = DEFAULT_GB


@dataclass(frozen=True, slots=True)
class Fitted:
    """A finished run, with the evaluation that needed no look at the test part."""

    run: Path
    evaluation: Evaluation
    test_samples: int
    seconds: float


def fit(
    data: str | Path, out: str | Path | None = None, options: FitOptions | None = None, watch: Watch = SILENT
) -> Fitted:
    """Make a model from labelled pictures and write its run folder.

    Raises `DataError` for data that no model can be made from, `RequestError` for wrong options, and `WorkError`
    where something fails on the way. The test part is not read.
    """
    options = options or FitOptions()
    _check(options)
    began = time.perf_counter()
    dataset = load(data, options.load, watch)
    check_memory(dataset)
    backbone = open_backbone(options.backbone)
    run = RunFolder.create(Path(out) if out else _default_out(dataset), _settings(dataset, options), options.replace)
    watch = Recorder(watch, run)
    try:
        evaluation, dataset = _make(dataset, backbone, options, run, watch, began)
    except BaseException as error:
        run.update(state=f"failed: {type(error).__name__}")
        raise
    seconds = time.perf_counter() - began
    run.update(state="finished", seconds=round(seconds, 2))
    run.event("finished", seconds=round(seconds, 2))
    return Fitted(run.path, evaluation, dataset.count("test"), seconds)


def _make(
    dataset: Dataset, backbone: Backbone, options: FitOptions, run: RunFolder, watch: Watch, began: float
) -> tuple[Evaluation, Dataset]:
    """Climb as far as the effort says; after each rung the run holds a finished model."""
    rows = dataset.rows("train", "val")
    features = extract(dataset, rows, backbone, watch, options.cache_gb)
    dataset = dataset.without(features.unreadable)
    rows = dataset.rows("train", "val")
    groups = np.unique(np.array(dataset.groups), return_inverse=True)[1][rows] if dataset.has_groups else None
    samples = Samples(features.matrix, dataset.labels[rows], groups)
    in_train = dataset.parts[rows] == PARTS.index("train")
    probe_began = time.perf_counter()
    with watch.task("Fitting the probe", 1, "head") as advance:
        probe = fit_probe(samples, in_train, dataset.split == "given", len(dataset.classes), options.load.seed)
        advance(1)
    ladder = [_probe_entry(probe, features.computed, probe_began - began, time.perf_counter() - probe_began)]
    about: Json = {"features": features.engine, "dataset": dataset.fingerprint, "seed": options.load.seed}
    model = _model(
        backbone,
        probe.head,
        probe.temperature,
        dataset,
        {**about, "head": f"{probe.chosen.kind} probe", "samples": len(rows), "rung": 1},
    )
    run.write_model(model.save)
    evaluation = _evaluation(dataset, rows[probe.held_out_rows], probe)
    _write(run, dataset, evaluation, ladder)
    if options.effort != "quick":
        from graft.adaptation.ladder import Climb, partial_rung  # needs torch, which a quick fit may do without

        climb = Climb(dataset, rows, in_train, options.load.seed, options.cache_gb, watch, run.path / "checkpoints")
        rung = partial_rung(backbone, samples, probe, climb)
        if rung is not None:
            ladder[0]["kept"] = rung.backbone is None
            ladder.append(_rung_entry(rung))
            if rung.backbone is not None and rung.head is not None:
                about |= {
                    "head": f"trained from {rung.cut_before}",
                    "rung": 2,
                    "samples": len(rows) - len(rung.deciding),
                }
                model = _model(rung.backbone, rung.head, rung.decision.temperature, dataset, about)
                run.write_model(model.save)
                evaluation = _rung_evaluation(dataset, rows, rung)
            _write(run, dataset, evaluation, ladder)
    return evaluation, dataset


def _model(backbone: Backbone, head: LinearHead, temperature: float, dataset: Dataset, about: Json) -> Model:
    return Model(
        backbone=backbone,
        classes=dataset.classes,
        weight=np.ascontiguousarray(head.weight.T, np.float32),
        bias=head.bias.astype(np.float32),
        temperature=temperature,
        provenance={"graft": version("graft-ml"), **about},
    )


def _evaluation(dataset: Dataset, rows: NDArray[np.intp], probe: Probe) -> Evaluation:
    notes = []
    if probe.chosen_on == "val":
        notes.append(CHOSE)
        folded = probe.cross_validated_accuracy
        if folded is not None and folded > probe.chosen.accuracy + GAP_TO_TELL:
            notes.append(
                f"Cross-validation within train says {100 * folded:.1f}%: pictures there resemble each other more than "
                "those kept apart. Trust the val and test parts."
            )
    else:
        notes.append(f"Each picture was judged by a head that was fitted without it. {CHOSE}")
    return _judge(dataset, rows, probe.held_out_scores / probe.temperature, probe.chosen_on, notes)


def _rung_evaluation(dataset: Dataset, rows: NDArray[np.intp], rung: "Rung") -> Evaluation:
    held_out = rows[rung.deciding]
    part = "val" if dataset.count("val") else "held-out share of train"
    return _judge(dataset, held_out, rung.scores / rung.decision.temperature, part, [CHOSE])


def _judge(dataset: Dataset, rows: NDArray[np.intp], scores: Scores, part: str, notes: list[str]) -> Evaluation:
    return evaluate_probabilities(
        part=part,
        probabilities=softmax(scores),
        labels=dataset.labels[rows],
        classes=dataset.classes,
        sources=[dataset.sources[row] for row in rows],
        notes=notes,
        root=str(dataset.root),
    )


def _probe_entry(probe: Probe, computed: int, feature_seconds: float, probe_seconds: float) -> Json:
    return {
        "rung": 1,
        "name": "probe",
        "kept": True,
        "why": f"the head with the least log-loss on {probe.chosen_on}",
        "chosen": dataclasses.asdict(probe.chosen),
        "candidates": [dataclasses.asdict(candidate) for candidate in probe.candidates],
        "seconds": {"data and features": round(feature_seconds, 2), "probe": round(probe_seconds, 2)},
        "features_computed": computed,
    }


def _rung_entry(rung: "Rung") -> Json:
    return {
        "rung": 2,
        "name": f"the stages from {rung.cut_before}",
        "kept": rung.backbone is not None,
        "why": rung.decision.why,
        "decision": dataclasses.asdict(rung.decision),
        "deciding_samples": len(rung.deciding),
        "steps": rung.trained.steps,
        "losses": [{"sum": total, "mean": mean} for total, mean in rung.trained.losses],
        "seconds": {"training": round(rung.trained.seconds, 2)},
    }


def _write(run: RunFolder, dataset: Dataset, evaluation: Evaluation, ladder: list[Json]) -> None:
    """Write what is known after a rung; the files of the rung before are replaced."""
    columns = (dataset.sources, dataset.labels, dataset.parts, dataset.groups, dataset.hashes)
    run.write_split(
        (source, dataset.classes[label], PARTS[part], group, sha256.tobytes().hex())
        for source, label, part, group, sha256 in zip(*columns, strict=True)
    )
    run.write("findings.json", findings_json(dataset.findings))
    run.write("ladder.json", ladder)
    run.write("evaluation.json", {evaluation.part: dataclasses.asdict(evaluation)})
    write_report(run)


def _settings(dataset: Dataset, options: FitOptions) -> Json:
    packages = ("numpy", "scipy", "scikit-learn", "torch", "timm", "openvino", "pillow", "safetensors")
    return {
        "graft": version("graft-ml"),
        "data": str(dataset.root),
        "dataset": dataset.fingerprint,
        "split": dataset.split,
        "samples": {part: dataset.count(part) for part in PARTS},
        "classes": len(dataset.classes),
        "backbone": options.backbone,
        "effort": options.effort,
        "seed": options.load.seed,
        "group": options.load.group,
        "min_per_class": options.load.min_per_class,
        "started": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "machine": machine.describe(),
        "versions": {name: _version(name) for name in packages},
    }


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _check(options: FitOptions) -> None:
    problems = []
    if options.effort not in EFFORTS:
        problems.append(f"effort {options.effort!r} is not known. Expected: {', '.join(EFFORTS)}.")
    if not 0 < options.cache_gb < float("inf"):
        problems.append(f"cache_gb is {options.cache_gb}. Expected a size in gigabytes above 0.")
    if problems:
        raise RequestError("\n".join(problems))


def check_memory(dataset: Dataset) -> None:
    """Raise `RequestError` where the scores of so many classes cannot fit into memory."""
    from graft.adaptation.probe import MOST_FOLDED

    samples = min(MOST_FOLDED, len(dataset.rows("train", "val")))
    needed = 18 * 8 * samples * len(dataset.classes)  # targets, residuals, scores and their temporaries, in bytes
    free = machine.available_memory()
    if free is not None and needed > free:
        raise RequestError(
            f"{len(dataset.classes):,} classes need about {needed / 1e9:.0f} GB of memory to cross-validate, and "
            f"{free / 1e9:.0f} GB are free. Leave small classes out with --min-per-class, or use a larger machine."
        )


def _default_out(dataset: Dataset) -> Path:
    """runs/NAME, or the first free runs/NAME-2, runs/NAME-3 and so on."""
    name = dataset.root.resolve().name or "run"
    path, number = Path("runs") / name, 1
    while path.exists():
        number += 1
        path = Path("runs") / f"{name}-{number}"
    return path
