"""graft audit: did the pretraining's knowledge really transfer? The same task without it, on the same pictures."""

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

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
from graft.heads.probe import Samples, accuracy_by_folds, refit
from graft.heads.ridge import Targets
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
        self.arms = arms_of(backbone, self.how, budget, dataset.task.blind)
        self.results: dict[str, ArmResult] = {}

    def verdict(self) -> Verdict:
        return self._on_the_test_part() if self.dataset.count("test") else self._by_folds()

    def _on_the_test_part(self) -> Verdict:
        test = part_of_run(self.folder, "test")
        self.folder.count_test_reading("audit")
        task = self.dataset.task
        labels = task.read(test.names, self.dataset.classes).targets
        groups = self._groups_of(test.sources)
        right = {arm.key: self._rightness(arm, self.context, test.contents, labels) for arm in self.arms}
        wanted = task.read(test.names, self.model.classes).targets
        right["delivered"] = task.rightness(predicted(self.model, test.contents, self.watch), wanted)[None]
        self._note("delivered", "the delivered model", 1, 0.0)
        rows = np.flatnonzero(self.dataset.parts == PARTS.index("test"))
        told = [*self._alarms(rows, right), *self._surroundings(test.contents, wanted, right)]
        strata = self.context.objective.strata(labels)
        saving, efficiency = self._label_efficiency(rows, right["scratch"])

        def comparing(first: NDArray[Any], second: NDArray[Any]) -> Comparison:
            return compare(first, second, strata, groups, seed=self.seed)

        judged = judge(right, comparing, told, self._rival(), saving, self.dataset.task.rated_by)
        return self._written("test", right, labels, judged, told, efficiency)

    def _by_folds(self) -> Verdict:
        """Every arm is trained once for each fold; the delivered model is stood for by what made it."""
        self.watch.say("This run has no test set: the arms are cross-validated, the delivered model's way among them.")
        rows, labels = self.context.rows, self.dataset.labels[self.context.rows]
        folds = self.context.objective.folds(self.context.labels, self.context.groups, self.seed)[0]
        folds = np.where(folds < 0, folds, folds % FOLDS)
        asked = np.flatnonzero(folds >= 0)
        refuse_too_few(len(asked), self.dataset.modality.noun, "what can be cross-validated of this run")

        def as_delivered(context: TrainingContext) -> Model:
            return fit_strategy(self.backbone, self.how, context)

        way = Arm("delivered", "the way of the delivered model", as_delivered)
        right: dict[str, NDArray[Any]] = {}
        for arm in [*self.arms, way]:
            parts: list[NDArray[Any]] = []
            for fold in np.unique(folds[asked]):
                held_out = np.flatnonzero(folds == fold)
                context = replace(self.context, train=np.flatnonzero(folds != fold))
                paths = [self.dataset.content(int(row)) for row in rows[held_out]]
                parts.append(self._rightness(arm, context, paths, labels[held_out]))
            order = np.argsort(np.concatenate([np.flatnonzero(folds == fold) for fold in np.unique(folds[asked])]))
            right[arm.key] = np.concatenate(parts, axis=1)[:, order]

        def comparing(first: NDArray[Any], second: NDArray[Any]) -> Comparison:
            return compare_by_folds(first, second, folds[asked])

        told = alarms.permuted_labels(right["permuted"], float(right["majority"].mean()))
        judged = judge(right, comparing, told, self._rival(), None, self.dataset.task.rated_by)
        return self._written("cross-validation", right, labels[asked], judged, told, None)

    def _written(
        self,
        judged_on: str,
        right: dict[str, NDArray[Any]],
        labels: Targets,
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
            harmed=self._harmed(right, labels),
            layers=layer_report(self.backbone, self.model.backbone, self.dataset, self.seed, self.watch),
            budget=self._rival(),
            seconds=0.0,
            noun=self.dataset.modality.noun,
            rated_by=self.dataset.task.rated_by,
        )

    def _harmed(self, right: dict[str, NDArray[Any]], labels: Targets) -> tuple[Json, ...]:
        """Classes that the delivered model tells worse than the probe, where there are classes."""
        if not self.of_classes:
            return ()
        return harmed(right["delivered"][0], right["probe"][0], labels, self.dataset.classes)

    def _rightness(
        self, arm: Arm, context: TrainingContext, paths: Sequence[Content], targets: Targets
    ) -> NDArray[Any]:
        """How right an arm is, (seeds, files), with the time it took in the results."""
        began = time.perf_counter()
        self.watch.say(f"Audit: {arm.name}.")
        if arm.key not in self.results:
            tell_stage(self.watch, Stage(1 + len(self.results), len(self.arms) + 1, arm.name))
        rate = self.dataset.task.rightness
        rows = [
            rate(predicted(arm.fit(replace(context, seed=self.seed + n)), paths, self.watch), targets)
            for n in range(arm.seeds)
        ]
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

    def _alarms(self, test: NDArray[np.intp], right: dict[str, NDArray[Any]]) -> list[Alarm]:
        data, rows = self.dataset, self.context.rows
        seen = [extract_all(data, part, self.backbone, self.watch) for part in (rows, test)]
        found = alarms.near_duplicates(seen[0], seen[1], [data.sources[row] for row in test])
        found += alarms.permuted_labels(right["permuted"], float(right["majority"].mean()))
        if self.of_classes:
            found += self._alarms_of_classes(rows, test, right)
        across = [finding.message for finding in data.findings if finding.kind == "group-across-parts"]
        found += [Alarm("group-across-parts", message, blocks=True) for message in across]
        if data.has_groups and len({data.groups[row] for row in test}) == 1:
            message = "The test set is of one group: intervals tell how sure this is for that group, and for no other."
            found.append(Alarm("one-group", message, blocks=False))
        return found + alarms.earlier_models(len(self.folder.readings_of_other_models()))

    @property
    def of_classes(self) -> bool:
        """Whether each sample is of one class, which some alarms are made for."""
        return self.dataset.labels.ndim == 1

    def _alarms_of_classes(
        self, rows: NDArray[np.intp], test: NDArray[np.intp], right: dict[str, NDArray[Any]]
    ) -> list[Alarm]:
        """Whether classes are told by thumbnails, or by how the files were made."""
        data = self.dataset
        chance, tested = float(right["majority"].mean()), float(right["shortcut"].mean())
        thumbnails = extract_all(data, rows, shallow(self.backbone), self.watch)
        samples = Samples(thumbnails, self.context.labels, self.context.groups)
        folded = accuracy_by_folds(samples, self.context.objective, self.seed) or 0.0
        found = alarms.shortcut(folded, tested, chance)
        heads = [[self._made(int(row)) for row in part] for part in (rows, test)]
        delivered = float(right["delivered"].mean())
        return found + alarms.metadata(heads[0], data.labels[rows], heads[1], data.labels[test], delivered)

    def _made(self, row: int) -> tuple[float, ...]:
        try:
            return made(self.dataset.modality, self.dataset.content(row))
        except UnreadableError as error:
            raise WorkError(f"{self.dataset.sources[row]} changed while graft was working: {error}.") from error

    def _surroundings(
        self, contents: Sequence[Content], targets: Targets, right: dict[str, NDArray[Any]]
    ) -> list[Alarm]:
        """Whether the delivered model tells some of the test part by what should not tell it."""
        if not self.dataset.modality.margin:
            return []
        rows = np.sort(np.random.default_rng(self.seed).permutation(len(targets))[:MOST_MARGINS])
        answers = predicted(self.model, [contents[row] for row in rows], self.watch, margin_only=True)
        alone = float(self.dataset.task.rightness(answers, targets[rows]).mean())
        delivered, chance = (float(right[key][..., rows].mean()) for key in ("delivered", "majority"))
        return alarms.margin(self.dataset.modality.margin, alone, delivered, chance)

    def _label_efficiency(self, test: NDArray[np.intp], rival: NDArray[Any]) -> tuple[Saved | None, Json]:
        """How accurate heads on the frozen network are with fewer labels, against scratch with all of them."""
        features, asked = (
            np.asarray(extract_all(self.dataset, part, self.backbone, self.watch)) for part in (self.context.rows, test)
        )
        data, labels = self.dataset, self.context.labels
        strata = self.context.objective.strata(labels)

        def answer(rows: NDArray[np.intp]) -> NDArray[Any]:
            head = refit(HEAD, Samples(features[rows], labels[rows]), self.context.objective)
            answers = data.task.answers(data.head_in_units(head).scores(asked))
            return data.task.rightness(answers, data.labels[test])

        with self.watch.task("Measuring label efficiency", 1, "curve") as advance:
            way = curve(strata, answer, self.seed)
            saving = saved(way, rival, len(labels), self.seed)
            advance(1)
        told: Json = {"labels": list(way.sizes), "accuracy": list(way.accuracies), "scratch": float(rival.mean())}
        return saving, {**told, "saved": None if saving is None else dataclasses.asdict(saving)}
