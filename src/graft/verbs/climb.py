"""The climb of graft fit: after each rung the run folder holds a finished model and says how it was made."""

import dataclasses
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graft.adaptation.course import CLASSES, PROBE, stage_of
from graft.adaptation.model import Model
from graft.backbones import Backbone
from graft.data import Dataset
from graft.data.aside import aside_notes
from graft.dataset.task import About, Calibrated, Evaluated
from graft.errors import WorkError, listing, plural
from graft.features import extract
from graft.heads.knn import knn_accuracy
from graft.heads.probe import Probe, Samples, fit_probe
from graft.heads.ridge import LinearHead, Scores
from graft.progress import Watch, tell_stage
from graft.records import PARTS, Json
from graft.run_folder import RunFolder
from graft.verbs.record import Delivery, first_unlocked, write_split
from graft.verbs.report import read_evaluations

if TYPE_CHECKING:
    from graft.adaptation.context import TrainingContext
    from graft.adaptation.incumbent import Incumbent
    from graft.verbs.fit import FitOptions

CHECKPOINTS = "checkpoints"
CHOSE = "These samples also chose the model and its temperature, so expect slightly less on new ones."
GAP_TO_TELL = 0.1  # cross-validation this much above the val part means that pictures of the train part are alike
MOST_NEIGHBOURS = 10_000  # samples for which nearest neighbours are looked at


class Climb:
    """What has been reached so far: `dataset` without what turned out unreadable, `evaluation`, `ladder`."""

    evaluation: Evaluated

    def __init__(
        self, run: RunFolder, dataset: Dataset, backbone: Backbone, options: "FitOptions", watch: Watch, began: float
    ) -> None:
        self.run, self.dataset, self.backbone = run, dataset, backbone
        self.options, self.watch, self.began = options, watch, began
        self.ladder: list[Json] = []
        self.delivery = Delivery(run, watch)
        write_split(self.run, self.dataset)

    def first_rung(self) -> None:
        """The probe: a head on the frozen network."""
        seed = self.options.load.seed
        if self.options.effort != "quick" and self.dataset.modality.name != "pair":
            limit = None if self.options.minutes is None else 60 * self.options.minutes
            tell_stage(self.watch, stage_of(CLASSES[self.options.effort], PROBE, limit))
        rows = self.dataset.rows("train", "val")
        features = extract(self.dataset, rows, self.backbone, self.watch, self.options.cache_gb)
        if features.unreadable:
            self.dataset = without_vanished(self.dataset, features.unreadable, self.run.path, self.watch)
            write_split(self.run, self.dataset)
            rows = self.dataset.rows("train", "val")
        targets, data = self.dataset.targets(rows), self.dataset
        in_train = self.dataset.parts[rows] == PARTS.index("train")
        began = time.perf_counter()
        with self.watch.task("Fitting the probe", 1, "head") as advance:
            samples = Samples(features.matrix, targets, data.group_numbers(rows))
            objective = data.task.objective(data.outputs)
            self.probe = fit_probe(samples, in_train, data.split == "given", objective, seed)
            advance(1)
        entry = _probe_entry(self.probe, features.computed, began - self.began, time.perf_counter() - began)
        if len(rows) <= MOST_NEIGHBOURS and "neighbours" in data.task.steps:
            held_out = self.probe.held_out_rows if self.probe.chosen_on == "val" else None
            neighbours, accuracy = knn_accuracy(features.matrix, targets, data.outputs, held_out)
            entry["nearest_neighbours"] = {"neighbours": neighbours, "accuracy": accuracy}
        entry |= self.probe.figures
        self.ladder.append(entry)
        self.about: Json = {"features": features.engine, "dataset": self.dataset.fingerprint, "seed": seed}
        about = {"head": f"{self.probe.chosen.kind} probe", "samples": len(rows), "rung": "1"}
        held_out = rows[self.probe.held_out_rows]
        self._keep(self.backbone, self.probe.head, self.probe.temperature, self.probe.held_out_scores, held_out, about)
        self.evaluation = _probe_evaluation(self.dataset, held_out, self.probe, self.calibrated)
        self._write()

    def later_rungs(self) -> None:
        """All that the effort and the time allow, each kept only where it earned its place."""
        if self.options.effort == "quick" or self.options.pretrain_epochs is not None:
            return
        if self.dataset.modality.name == "pair":
            self.watch.say("Pictures with texts get a head on both frozen networks: more is not trained, so far.")
            return
        from graft.adaptation.ladder import Clock, Ladder  # needs torch, which a quick fit may do without

        clock = Clock(self.began, None if self.options.minutes is None else 60 * self.options.minutes)
        context, probe = self._context(), self.probe
        probe = self.probe
        ladder = Ladder.above(self.backbone, probe.chosen, probe.head, probe.temperature, context, clock)
        if len(context.deciding):  # the probe's figures where all later ones are taken, so that they can be compared
            judged = context.judge(ladder.incumbent.scores)
            self.ladder[0] |= {**judged.figures, "deciding_samples": len(context.deciding)}
        for rung in ladder.climb(self.options.effort):
            if rung.incumbent is not None:
                for entry in self.ladder if rung.entry["rung"] != "final" else []:
                    if entry["kept"]:
                        entry |= {"kept": False, "passed_by": rung.entry["rung"]}
                self._deliver(rung.incumbent, context)
            self.ladder.append(rung.entry)
            self.ladder.sort(key=lambda entry: str(entry["rung"]))
            self._write()

    def from_scratch(self, epochs: float) -> None:
        """One rung alone: the whole network from random weights, as pretraining needs it."""
        from graft.adaptation.context import InitialModel
        from graft.adaptation.defaults import scratch_plan
        from graft.adaptation.incumbent import Incumbent
        from graft.adaptation.strategy import Scratch

        context = self._context()
        if self.options.minutes is not None:
            context = replace(context, deadline=self.began + 60 * self.options.minutes)
        nothing = context.zero_head(self.backbone.card.width)
        result = Scratch(replace(scratch_plan(), epochs=epochs)).fit(InitialModel(self.backbone, nothing, 1.0), context)
        trunk, head = result.deliver(1.0)
        scores = result.scores[1.0]
        judged = context.judge(scores)
        self.about = {"features": "none", "dataset": self.dataset.fingerprint, "seed": context.seed}
        self._deliver(Incumbent("0", result.name, trunk, head, judged.temperature, scores, len(context.train)), context)
        trained = dataclasses.asdict(result.trained)
        self.ladder.append(
            {
                "rung": "pretraining",
                "name": result.name,
                "kept": True,
                "why": "it is what was asked for",
                **judged.figures,
                **{name: trained[name] for name in ("steps", "planned", "stopped", "epochs")},
                "seconds": trained["seconds"],
            }
        )
        self._write()

    @property
    def is_over(self) -> bool:
        """Whether the time that was given is up."""
        minutes = self.options.minutes
        return minutes is not None and time.perf_counter() - self.began > 60 * minutes

    def known_evaluation(self) -> Evaluated:
        """The evaluation in the run that no look at the test part was needed for."""
        return first_unlocked(read_evaluations(self.run))

    def _context(self) -> "TrainingContext":
        from graft.adaptation.context import TrainingContext
        from graft.training.place import Place

        return replace(
            TrainingContext.of(self.dataset, Place.best(), self.options.load.seed, self.watch),
            cache_gb=self.options.cache_gb,
            changes=self.options.changes,
            checkpoints=self.run.path / CHECKPOINTS,
            checkpoint_seconds=self.options.checkpoint_seconds,
            told=lambda epoch: self.run.event("epoch", **dataclasses.asdict(epoch)),
        )

    def _deliver(self, incumbent: "Incumbent", context: "TrainingContext") -> None:
        about = {"head": incumbent.name, "samples": incumbent.samples, "rung": incumbent.rung}
        held_out = context.rows[context.deciding]
        self._keep(incumbent.backbone, incumbent.head, incumbent.temperature, incumbent.scores, held_out, about)
        self.evaluation = evaluate_held_out(context, incumbent.scores, self.calibrated)

    def _keep(
        self,
        backbone: Backbone,
        head: LinearHead,
        temperature: float,
        scores: Scores,
        held_out: NDArray[np.intp],
        about: Json,
    ) -> None:
        self.calibrated = self.dataset.task.calibrate(head, temperature, scores, self.dataset, held_out)
        provenance = {"graft": version("graft-ml"), **self.about, **about}
        self.delivery.offer(delivered(backbone, self.calibrated, self.dataset, provenance).save)

    def _write(self) -> None:
        """Write what is known after a rung."""
        self.delivery.write(self.ladder, self.evaluation)


def without_vanished(dataset: Dataset, gone: dict[int, str], run: Path, watch: Watch) -> Dataset:
    """The data set without samples that vanished or changed since it was read, which is told.

    Raises `WorkError` where a class is left with nothing to train on: no model may promise to know it.
    """
    left = dataset.without(gone)
    names = dataset.task.lost(dataset, left)
    if names:
        noun = dataset.modality.noun
        raise WorkError(
            f"{plural(len(names), dataset.task.classes_noun)} lost every {noun} to train on while graft was working: "
            f"{listing(names)}. "
            f"No model is made that could not know them. Put the {noun}s back, then go on with: graft fit --resume "
            f"{run}"
        )
    named = listing([f"{dataset.sources[row]}: {reason}" for row, reason in sorted(gone.items())], 3)
    noun = plural(len(gone), dataset.modality.noun)
    watch.say(f"{noun} vanished or changed while graft was working and will not be used: {named}.")
    return left


def delivered(backbone: Backbone, calibrated: Calibrated, dataset: Dataset, provenance: Json) -> Model:
    """The model of a backbone and a calibrated head."""
    return Model(
        backbone=backbone,
        classes=dataset.classes,
        weight=np.ascontiguousarray(calibrated.head.weight.T, np.float32),
        bias=calibrated.head.bias.astype(np.float32),
        temperature=calibrated.temperature,
        provenance=provenance,
        unknown_threshold=calibrated.unknown_threshold,
        task=dataset.task,
        details=calibrated.details,
    )


def evaluate_held_out(context: "TrainingContext", scores: Scores, calibrated: Calibrated) -> Any:
    """The evaluation on those deciding samples that are of the val part, or on all of them where there is none.

    `scores` are (deciding, outputs), as the head gave them before it was calibrated.
    """
    part = "val" if context.dataset.count("val") else "held-out share of train"
    own = np.ones(len(context.deciding), np.bool_) if context.own is None else context.own
    return _judge(context.dataset, context.rows[context.deciding[own]], scores[own], calibrated, part, [CHOSE])


def _probe_evaluation(dataset: Dataset, rows: NDArray[np.intp], probe: Probe, calibrated: Calibrated) -> Evaluated:
    notes = []
    if probe.chosen_on == "val":
        notes.append(CHOSE)
        folded = probe.cross_validated_accuracy
        if folded is not None and folded > probe.chosen.accuracy + GAP_TO_TELL:
            notes.append(
                f"Cross-validation within train says {100 * folded:.1f}%: {dataset.modality.noun}s there resemble each "
                "other more than those kept apart. Trust the validation and test sets."
            )
    else:
        notes.append(f"Each {dataset.modality.noun} was judged by a head that was fitted without it. {CHOSE}")
    return _judge(dataset, rows, probe.held_out_scores, calibrated, probe.chosen_on, notes)


def _judge(
    dataset: Dataset, rows: NDArray[np.intp], scores: Scores, calibrated: Calibrated, part: str, notes: list[str]
) -> Evaluated:
    about = About(
        part=part,
        names=dataset.classes,
        sources=[dataset.sources[row] for row in rows],
        notes=[*aside_notes(dataset.findings), *notes],
        root=str(dataset.root),
        noun=dataset.modality.noun,
        texts=None if dataset.texts is None else [dataset.texts[row] for row in rows],
        groups=[dataset.groups[row] for row in rows],
    )
    evaluated: Evaluated = dataset.task.evaluate(
        calibrated.held_out_answers(scores), dataset.labels[rows], about, calibrated.details
    )
    return evaluated


def _probe_entry(probe: Probe, computed: int, feature_seconds: float, probe_seconds: float) -> Json:
    return {
        "rung": "1",
        "name": "probe",
        "kept": True,
        "why": f"the head with the least log-loss on {probe.chosen_on}",
        "chosen": dataclasses.asdict(probe.chosen),
        "candidates": [dataclasses.asdict(candidate) for candidate in probe.candidates],
        "seconds": {"data and features": round(feature_seconds, 2), "probe": round(probe_seconds, 2)},
        "features_computed": computed,
    }
