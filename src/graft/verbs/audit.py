"""graft audit: did the pretraining's knowledge really transfer? The same task without it, on the same pictures."""

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from graft.adaptation.context import TrainingContext
from graft.adaptation.model import Model
from graft.audit import alarms
from graft.audit.arms import HEAD, Arm, Budget, arms_of, fit_strategy, predicted, strategy_of
from graft.audit.compare import Comparison, compare, compare_by_folds
from graft.audit.harm import harmed
from graft.audit.labels import Saved, curve, saved
from graft.audit.layers import layer_report
from graft.audit.power import foresight, refuse_too_few
from graft.audit.verdict import Judged, judge
from graft.backbones import Backbone
from graft.backbones.shallow import shallow
from graft.data import Dataset, load
from graft.data.refusal import refuse_unserved
from graft.errors import RequestError, WorkError
from graft.features import extract_all, suited
from graft.heads.folds import make_folds
from graft.heads.probe import Samples, accuracy_by_folds, refit
from graft.modalities.modality import Content, UnreadableError
from graft.modalities.samples import made
from graft.progress import SILENT, Stage, Watch, tell_stage
from graft.records import PARTS, Alarm, ArmResult, Json, Verdict
from graft.run_folder import Resumable, RunFolder
from graft.training.place import Place
from graft.verbs.evaluate import part_of_run
from graft.verbs.fit import changes, options_of
from graft.verbs.report import write_report

Effort = Literal["quick", "full"]
MOST_MARGINS = 500  # test samples that are shown without their middle
FOLDS = 5  # where there is no test part
STEPS = 3  # times those of the fine-tuning that training from scratch gets (He et al. 2019)
LEAST_SECONDS = 10.0  # that training from scratch gets, however quick the fit was


@dataclass(frozen=True, slots=True)
class Audited:
    """The verdict, the run that it is about, where it lies in verdict.json, and the report that shows it."""

    run: Path
    verdict: Verdict
    report: Path


def audit(run: str | Path, effort: Effort = "quick", watch: Watch = SILENT) -> Audited:
    """Train the arms of the audit on the run's own data and compare them with the delivered model.

    quick gives training from scratch as long as the fit took; full gives it three times the steps, three times over.
    The test part judges, and its reading is counted; without one the arms are cross-validated. Raises `RequestError`
    for a run whose data are not what they were, and, before anything is trained or read, for one with too few samples
    for any verdict.
    """
    began = time.perf_counter()
    if effort not in ("quick", "full"):
        raise RequestError(f"effort {effort!r} is not known. Expected: quick, full.")
    folder = RunFolder.open(run)
    settings = folder.read("run.json", Resumable)
    if settings.pretrain_epochs is not None:
        raise RequestError(f"{run} was pretrained from random weights: nothing was transferred that could be audited.")
    if settings.strategy is not None and settings.strategy.get("kind") == "Scratch":
        raise RequestError(f"{run} was trained from random weights: nothing was transferred that could be audited.")
    dataset = load(settings.data, options_of(settings), watch)
    refuse_unserved(dataset, "audit")
    judged = dataset.count("test")
    part = "the test part of this run" if judged else "this run, which has no test part,"
    judged = judged or len(dataset)
    refuse_too_few(judged, dataset.modality.noun, part)
    if dataset.fingerprint != settings.dataset:
        raise RequestError(f"{settings.data} is not what it was when {run} was made: {changes(folder, dataset)}")
    model_id, model = folder.read_model(lambda place: (folder.model_id, Model.load(place)))
    seconds = max(LEAST_SECONDS, float(folder.settings.get("seconds", LEAST_SECONDS)))
    budget = Budget(seconds, 1, STEPS) if effort == "quick" else Budget(None, 3, STEPS)
    watch.say(_foreseen(dataset, budget, seconds, judged))
    auditor = _Auditor(folder, dataset, suited(settings.backbone, dataset), model, budget, settings.seed, watch)
    try:
        verdict = replace(auditor.verdict(), seconds=round(time.perf_counter() - began, 2))
    finally:
        tell_stage(watch, None)
    with folder.exclusively():
        if folder.model_id != model_id:
            raise WorkError(f"The model in {folder.path} was replaced while it was audited. Audit it again.")
        folder.write("verdict.json", dataclasses.asdict(verdict))
        return Audited(folder.path, verdict, write_report(folder))


def _foreseen(dataset: Dataset, budget: Budget, fit_seconds: float, judged: int) -> str:
    """What may come of an audit on so many samples, and how long it takes."""
    trainings = budget.seeds if dataset.count("test") else budget.seeds * FOLDS
    steps = 1 if budget.seconds is not None else budget.steps
    return foresight(judged, dataset.modality.noun, trainings * steps * fit_seconds, budget.seconds is None)


class _Auditor:
    """The arms of one run, judged on its test part, or fold by fold where it has none."""

    def __init__(
        self,
        folder: RunFolder,
        dataset: Dataset,
        backbone: Backbone,
        model: Model,
        budget: Budget,
        seed: int,
        watch: Watch,
    ) -> None:
        self.folder, self.dataset, self.backbone, self.model = folder, dataset, backbone, model
        self.budget, self.seed, self.watch = budget, seed, watch
        self.context = TrainingContext.of(dataset, Place.best(), seed, watch).on_everything()
        self.how = strategy_of(model.provenance)
        self.arms = arms_of(backbone, self.how, budget)
        self.results: dict[str, ArmResult] = {}

    def verdict(self) -> Verdict:
        return self._on_the_test_part() if self.dataset.count("test") else self._by_folds()

    def _on_the_test_part(self) -> Verdict:
        test = part_of_run(self.folder, "test")
        self.folder.count_test_reading("audit")
        numbers = {name: number for number, name in enumerate(self.dataset.classes)}
        labels = np.array([numbers[name] for name in test.names], np.int32)
        groups = self._groups_of(test.sources)
        right = {arm.key: self._answers(arm, self.context, test.contents) == labels for arm in self.arms}
        delivered = predicted(self.model, test.contents, self.watch)
        right["delivered"] = (np.array([numbers[name] for name in self.model.classes])[delivered] == labels)[None]
        self._note("delivered", "the delivered model", 1, 0.0)
        rows = np.flatnonzero(self.dataset.parts == PARTS.index("test"))
        told = [*self._alarms(rows, right), *self._surroundings(test.contents, labels, right)]
        saving, efficiency = self._label_efficiency(rows, right["scratch"])

        def comparing(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Comparison:
            return compare(first, second, labels, groups, seed=self.seed)

        judged = judge(right, comparing, told, self._rival(), saving)
        return self._written("test", right, labels, judged, told, efficiency)

    def _by_folds(self) -> Verdict:
        """Every arm is trained once for each fold; the delivered model is stood for by what made it."""
        self.watch.say("This run has no test set: the arms are cross-validated, the delivered model's way among them.")
        rows, labels = self.context.rows, self.context.labels
        folds = make_folds(labels, self.context.groups, self.seed)[0]
        folds = np.where(folds < 0, folds, folds % FOLDS)
        asked = np.flatnonzero(folds >= 0)
        refuse_too_few(len(asked), self.dataset.modality.noun, "what can be cross-validated of this run")

        def as_delivered(context: TrainingContext) -> Model:
            return fit_strategy(self.backbone, self.how, context)

        way = Arm("delivered", "the way of the delivered model", as_delivered)
        right: dict[str, NDArray[np.bool_]] = {}
        for arm in [*self.arms, way]:
            answers = np.empty((arm.seeds, len(rows)), np.intp)
            for fold in np.unique(folds[asked]):
                held_out = np.flatnonzero(folds == fold)
                context = replace(self.context, train=np.flatnonzero(folds != fold))
                paths = [self.dataset.content(int(row)) for row in rows[held_out]]
                answers[:, held_out] = self._answers(arm, context, paths)
            right[arm.key] = (answers == labels)[:, asked]

        def comparing(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Comparison:
            return compare_by_folds(first, second, folds[asked])

        told = alarms.permuted_labels(right["permuted"], float(right["majority"].mean()))
        judged = judge(right, comparing, told, self._rival(), None)
        return self._written("cross-validation", right, labels[asked], judged, told, None)

    def _written(
        self,
        judged_on: str,
        right: dict[str, NDArray[np.bool_]],
        labels: NDArray[np.int32],
        judged: Judged,
        told: list[Alarm],
        efficiency: Json | None,
    ) -> Verdict:
        arms = [replace(one, accuracy=float(right[one.key].mean())) for one in self.results.values()]
        return Verdict(
            finding=judged.finding,
            sentence=judged.sentence,
            judged_on=judged_on,
            samples=len(labels),
            arms=tuple(arms),
            comparisons=judged.comparisons,
            alarms=tuple(told),
            label_efficiency=efficiency,
            harmed=harmed(right["delivered"][0], right["probe"][0], labels, self.dataset.classes),
            layers=layer_report(self.backbone, self.model.backbone, self.dataset, self.seed, self.watch),
            budget=self._rival(),
            seconds=0.0,
            noun=self.dataset.modality.noun,
        )

    def _answers(self, arm: Arm, context: TrainingContext, paths: Sequence[Content]) -> NDArray[np.intp]:
        """The answers of an arm, (seeds, files), with the time it took in the results."""
        began = time.perf_counter()
        self.watch.say(f"Audit: {arm.name}.")
        if arm.key not in self.results:
            tell_stage(self.watch, Stage(1 + len(self.results), len(self.arms) + 1, arm.name))
        rows = [predicted(arm.fit(replace(context, seed=self.seed + n)), paths, self.watch) for n in range(arm.seeds)]
        self._note(arm.key, arm.name, arm.seeds, time.perf_counter() - began)
        return np.stack(rows)

    def _note(self, key: str, name: str, seeds: int, seconds: float) -> None:
        before = self.results[key].seconds if key in self.results else 0.0
        self.results[key] = ArmResult(key, name, 0.0, seeds, round(before + seconds, 2))

    def _groups_of(self, sources: Sequence[str]) -> NDArray[np.intp] | None:
        if not self.dataset.has_groups:
            return None
        group = dict(zip(self.dataset.sources, self.dataset.groups, strict=True))
        numbers: NDArray[np.intp] = np.unique([group[source] for source in sources], return_inverse=True)[1]
        return numbers if numbers.any() else None  # of a single group only its samples can be drawn again

    def _rival(self) -> str:
        if self.budget.seconds is None:
            return f"the same network from scratch with {self.budget.steps} times the steps"
        return f"the same network from scratch in the {self.budget.seconds:.0f} s that the whole fit took"

    def _alarms(self, test: NDArray[np.intp], right: dict[str, NDArray[np.bool_]]) -> list[Alarm]:
        data, rows = self.dataset, self.context.rows
        seen = [extract_all(data, part, self.backbone, self.watch) for part in (rows, test)]
        chance, tested = float(right["majority"].mean()), float(right["shortcut"].mean())
        thumbnails = extract_all(data, rows, shallow(self.backbone), self.watch)
        samples = Samples(thumbnails, self.context.labels, self.context.groups)
        folded = accuracy_by_folds(samples, self.context.objective, self.seed) or 0.0
        found = alarms.near_duplicates(seen[0], seen[1], [data.sources[row] for row in test])
        found += alarms.shortcut(folded, tested, chance)
        found += alarms.permuted_labels(right["permuted"], float(right["majority"].mean()))
        heads = [[self._made(int(row)) for row in part] for part in (rows, test)]
        delivered = float(right["delivered"].mean())
        found += alarms.metadata(heads[0], data.labels[rows], heads[1], data.labels[test], delivered)
        across = [finding.message for finding in data.findings if finding.kind == "group-across-parts"]
        found += [Alarm("group-across-parts", message, blocks=True) for message in across]
        if data.has_groups and len({data.groups[row] for row in test}) == 1:
            message = "The test set is of one group: intervals tell how sure this is for that group, and for no other."
            found.append(Alarm("one-group", message, blocks=False))
        return found + alarms.earlier_models(len(self.folder.readings_of_other_models()))

    def _made(self, row: int) -> tuple[float, ...]:
        try:
            return made(self.dataset.modality, self.dataset.content(row))
        except UnreadableError as error:
            raise WorkError(f"{self.dataset.sources[row]} changed while graft was working: {error}.") from error

    def _surroundings(
        self, contents: Sequence[Content], labels: NDArray[np.int32], right: dict[str, NDArray[np.bool_]]
    ) -> list[Alarm]:
        """Whether the delivered model tells some of the test part by what should not tell it."""
        if not self.dataset.modality.margin:
            return []
        rows = np.sort(np.random.default_rng(self.seed).permutation(len(labels))[:MOST_MARGINS])
        answers = predicted(self.model, [contents[row] for row in rows], self.watch, margin_only=True)
        numbers = np.array([self.dataset.classes.index(name) for name in self.model.classes])
        alone = float((numbers[answers] == labels[rows]).mean())
        delivered, chance = (float(right[key][..., rows].mean()) for key in ("delivered", "majority"))
        return alarms.margin(self.dataset.modality.margin, alone, delivered, chance)

    def _label_efficiency(self, test: NDArray[np.intp], rival: NDArray[np.bool_]) -> tuple[Saved | None, Json]:
        """How accurate heads on the frozen network are with fewer labels, against scratch with all of them."""
        features, asked = (
            np.asarray(extract_all(self.dataset, part, self.backbone, self.watch)) for part in (self.context.rows, test)
        )
        labels, wanted = self.context.labels, self.dataset.labels[test]

        def answer(rows: NDArray[np.intp]) -> NDArray[np.bool_]:
            head = refit(HEAD, Samples(features[rows], labels[rows]), self.context.objective)
            right: NDArray[np.bool_] = head.scores(asked).argmax(axis=1) == wanted
            return right

        with self.watch.task("Measuring label efficiency", 1, "curve") as advance:
            way = curve(labels, answer, self.seed)
            saving = saved(way, rival, len(labels), self.seed)
            advance(1)
        told: Json = {"labels": list(way.sizes), "accuracy": list(way.accuracies), "scratch": float(rival.mean())}
        return saving, {**told, "saved": None if saving is None else dataclasses.asdict(saving)}
