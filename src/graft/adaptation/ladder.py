"""The ladder: every rung is a finished model, and each later rung must earn its place."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from graft.adaptation import course
from graft.adaptation.context import FitResult, InitialModel, TrainingContext
from graft.adaptation.defaults import default_cut, partial_plan, suits_pairs
from graft.adaptation.fine_tuner import averaged
from graft.adaptation.guard import Blend, Decision, decide
from graft.adaptation.incumbent import PAIRED, PROBES, Incumbent, finish
from graft.adaptation.strategy import Full, Partial, Strategy
from graft.backbones import Backbone
from graft.errors import RequestError
from graft.features import extract_all
from graft.heads.probe import Candidate, Samples, refit
from graft.heads.ridge import LinearHead, Scores
from graft.progress import tell_stage
from graft.records import Json

LEAST_DECIDING = 4  # samples below which no gain can be shown at all
LEAST_SECONDS = 20.0  # for a rung: with less time left it is not begun
TAPPED = "probe on several stages"
# Learning rates of rung 2, relative to the default, where there is time to try. Three times as much was clearly worse
# on fruit (Brier score 0.187 against 0.141 and 0.142).
GRID = (1.0, 1 / 3)


@dataclass(frozen=True, slots=True)
class Rung:
    """One line of ladder.json, with the model where the rung was kept."""

    entry: Json
    incumbent: Incumbent | None = None


@dataclass
class Clock:
    """The time that a whole fit may take, counted from its beginning; None is no limit."""

    began: float
    seconds: float | None = None

    @property
    def left(self) -> float | None:
        return None if self.seconds is None else self.seconds - (time.perf_counter() - self.began)

    @property
    def is_over(self) -> bool:
        return self.left is not None and self.left < LEAST_SECONDS


@dataclass
class Ladder:
    """The climb beyond the probe: where it stands, and what each rung did."""

    context: TrainingContext
    clock: Clock
    start: InitialModel  # the probe as fitted on the training samples alone
    chosen: Candidate  # its kind of head
    incumbent: Incumbent
    cut: int | None = None  # the stage from which the curve of the taps would train; None leaves it to the family
    trained: list[tuple[Backbone, LinearHead]] = field(default_factory=list)  # what each training ended with

    @classmethod
    def above(
        cls,
        backbone: Backbone,
        chosen: Candidate,
        head: LinearHead,
        temperature: float,
        context: TrainingContext,
        clock: Clock,
    ) -> "Ladder":
        """Stand on the probe, whose `head` was fitted on all samples; one fitted without the deciding ones decides."""
        features = extract_all(context.dataset, context.rows, backbone, context.watch, context.cache_gb)
        honest = refit(chosen, Samples(features[context.train], context.labels[context.train]), context.objective)
        scores = honest.scores(features[context.deciding])
        incumbent = Incumbent("1", "probe", backbone, head, temperature, scores, len(context.rows))
        return cls(context, clock, InitialModel(backbone, honest, temperature), chosen, incumbent)

    def climb(self, effort: str) -> Iterator[Rung]:
        """Yield the rungs one after another, each with its model where it was kept."""
        if len(self.context.deciding) < LEAST_DECIDING:
            count = len(self.context.deciding)
            self.context.watch.say(f"{count} validation samples are too few to show a gain: the head alone is kept.")
            return
        rungs: dict[str, Callable[[], Rung | None]] = {
            course.BASELINE: self._baseline,
            course.SEVERAL: self._taps,
            course.PAIRS: self._pairs,
            course.LAST: self._partial,
            course.RATES: self._grid,
            course.ALL: self._full,
            course.AVERAGE: self._average,
            course.AFTER: self._stages_of_trained,
        }
        stages, took = course.CLASSES[effort], None
        for title in stages[1:-1]:
            if self.clock.is_over:
                self.context.watch.say("The time is over: the best model so far is kept.")
                return
            tell_stage(self.context.watch, course.stage_of(stages, title, self.clock.left))
            found = rungs[title]()
            if found is not None:
                took = found.entry.get("seconds") if found.incumbent is not None else took
                yield found
        if self.incumbent.rung not in PROBES and not self.clock.is_over:
            tell_stage(self.context.watch, course.stage_of(stages, course.FINAL, self.clock.left, took))
            yield self._final()

    def _baseline(self) -> Rung:
        from graft.adaptation.baseline import baseline

        return Rung(baseline(self.start.backbone, self.context, self.chosen))

    def _taps(self) -> Rung | None:
        from graft.adaptation.multitap import multi_tap

        began = time.perf_counter()
        found = multi_tap(self.start.backbone, self.context, self.chosen)
        if found is None:
            return None
        usual = default_cut(self.start.backbone)
        self.cut = None if found.cut is None or usual is None else min(found.cut, usual)  # more than usual, never less
        decision = self._decide({1.0: found.scores})
        details = {"stages": found.curve, "train_from": self.cut}
        incumbent = None
        if decision.share > 0:
            count = len(self.context.rows)
            incumbent = Incumbent("1b", TAPPED, found.backbone, found.head, decision.temperature, found.scores, count)
        return self._rung("1b", TAPPED, decision, began, incumbent, details)

    def _stages_of_trained(self) -> Rung | None:
        """A head on several stages of what was trained, where something was."""
        from graft.adaptation.multitap import multi_tap

        below = self.incumbent
        began = time.perf_counter()
        found = None if below.rung in PROBES else multi_tap(below.backbone, self.context, self.chosen)
        if found is None:
            return None
        decision, incumbent = self._decide({1.0: found.scores}), None
        if decision.share > 0:
            incumbent = Incumbent(
                rung=f"{below.rung}b",
                name=f"{below.name}, head on several stages",
                backbone=found.backbone,
                head=found.head,
                temperature=decision.temperature,
                scores=found.scores,
                samples=len(self.context.rows),
                beneath=below,
                looks_from=found.looks_from,
            )
        return self._rung(f"{below.rung}b", "head on several stages", decision, began, incumbent, {"used": found.used})

    def _pairs(self) -> Rung | None:
        """Contrastive pairs, where the whole network can be taught in minutes or has few samples to learn from."""
        data = self.context.dataset
        of_each = len(self.context.train) / data.outputs
        if "pairs" not in data.task.steps or not suits_pairs(self.start.backbone, of_each):
            return None
        from graft.adaptation.contrastive import Contrastive

        try:
            return self._trained(PAIRED, [Contrastive(head=self.chosen)])
        except RequestError as error:
            self.context.watch.say(f"{error} The ladder goes on without.")
            return None

    def _partial(self) -> Rung | None:
        return self._last_stages([Partial(from_stage=self.cut)])

    def _grid(self) -> Rung | None:
        plan = self.context.changes.on(partial_plan(self.start.backbone))
        rates = [
            replace(plan, learning_rate=plan.learning_rate * by, head_learning_rate=plan.head_learning_rate * by)
            for by in GRID
        ]
        return self._last_stages([Partial(from_stage=self.cut, plan=one) for one in rates])

    def _last_stages(self, strategies: list[Strategy]) -> Rung | None:
        """Rung 2, or nothing and a word about why for a network that cannot be cut or a cache that is too small."""
        try:
            return self._trained("2", strategies)
        except RequestError as error:
            self.context.watch.say(f"{error} The ladder goes on without.")
            return None

    def _full(self) -> Rung | None:
        return self._trained("3", [Full()])

    def _trained(self, number: str, strategies: list[Strategy]) -> Rung:
        """Train in one or several ways, take the one that judges best, and keep it if it earns its place."""
        began = time.perf_counter()
        result: list[FitResult] = []
        for order, strategy in enumerate(strategies):
            if result and self.clock.is_over:
                break
            folder = self.context.checkpoints and self.context.checkpoints / f"rung-{number}-{order}"
            context = replace(self.context, checkpoints=folder, deadline=self._deadline(len(strategies) - order))
            result.append(strategy.fit(self._begin(), context))
        briers = [min(self._brier(scores) for scores in one.scores.values()) for one in result]
        best = result[int(np.argmin(briers))]
        if self.incumbent.rung not in PROBES:  # begun from what stands: judge both in the same arithmetic
            self.incumbent = replace(self.incumbent, scores=best.scores[0.0])
        decision = self._decide({share: scores for share, scores in best.scores.items() if share > 0})
        if number != PAIRED:  # its head was not trained with it: between two such nothing is a mean
            self.trained.append(best.deliver(1.0))
        incumbent = None
        if decision.share > 0:
            scores = best.scores[decision.share]
            backbone, head = best.deliver(decision.share)
            name = f"{best.name} trained"
            incumbent = Incumbent(number, name, backbone, head, decision.temperature, scores, len(self.context.train))
        trained = best.trained
        details: Json = {
            "steps": trained.steps,
            "steps_planned": trained.planned,
            "stopped": trained.stopped,
            "alarms": list(best.alarms),
            "losses": [asdict(epoch) for epoch in trained.epochs],
            "training_seconds": trained.seconds,
        }
        if len(result) > 1:
            tried = zip(briers, result, strict=True)
            details["tried"] = [{"brier": brier, "seconds": one.trained.seconds} for brier, one in tried]
        return self._rung(number, best.name, decision, began, incumbent, details)

    def _final(self) -> Rung:
        """What stands is taught by all samples at last."""
        began = time.perf_counter()
        folder = self.context.checkpoints and self.context.checkpoints / "final"
        context = replace(self.context, checkpoints=folder, deadline=self._deadline(1))
        finished = finish(self.incumbent, self.cut, self.chosen, context)
        self.incumbent = finished.incumbent
        entry: Json = {
            "rung": "final",
            "name": finished.what,
            "kept": True,
            "why": "retrained on train + validation, not re-measured; the figures are those from before",
        }
        if finished.result is not None:
            trained = finished.result.trained
            entry |= {"steps": trained.steps, "losses": [asdict(epoch) for epoch in trained.epochs]}
        return Rung(entry | {"seconds": round(time.perf_counter() - began, 2)}, self.incumbent)

    def _begin(self) -> InitialModel:
        """Where a training begins: at the best trained network, or at the probe where none was kept."""
        if self.incumbent.rung in PROBES:
            return self.start
        return InitialModel(
            self.incumbent.backbone, self.incumbent.head, 1.0
        )  # as it was trained, not as it is calibrated

    def _deadline(self, trainings: int) -> float | None:
        """When the next of so many trainings must end, with some time left to judge it."""
        left = self.clock.left
        return None if left is None else time.perf_counter() + max(1.0, (left - LEAST_SECONDS / 2) / trainings)

    def _average(self) -> Rung | None:
        """Whole networks between the probe and what was trained, and the mean of what was trained (WiSE, soups)."""
        if not self.trained:
            return None
        began = time.perf_counter()
        ends = [(self.start.backbone, LinearHead(*self._folded(self.start))), *self.trained]
        means = averaged(ends, self.context)
        decision = self._decide(dict(enumerate((one.scores[1.0] for one in means), 1)))
        incumbent = None
        if decision.share > 0:
            chosen = means[int(decision.share) - 1]
            backbone, head = chosen.deliver(1.0)
            incumbent = Incumbent(
                "4", chosen.name, backbone, head, decision.temperature, chosen.scores[1.0], len(self.context.train)
            )
        return self._rung("4", "mean weights", decision, began, incumbent, {"means": [one.name for one in means]})

    def _folded(self, start: InitialModel) -> tuple[np.ndarray, np.ndarray]:
        return start.head.weight / start.temperature, start.head.bias / start.temperature

    def _decide(self, scores: dict[float, Scores]) -> Decision:
        """Judge candidates against what stands, which is share 0."""
        blends = [Blend(0.0, self.incumbent.scores), *(Blend(share, one) for share, one in scores.items())]
        return decide(blends, self.context.judge, self.context.own)

    def _brier(self, scores: Scores) -> float:
        return self.context.judge(scores).brier

    def _rung(
        self, number: str, name: str, decision: Decision, began: float, incumbent: Incumbent | None, details: Json
    ) -> Rung:
        offered = [one for one in decision.figures if one.share > 0]
        best = next((one for one in offered if one.share == decision.share), min(offered, key=lambda one: one.brier))
        entry: Json = {
            "rung": number,
            "name": name,
            "kept": incumbent is not None,
            "why": decision.why,
            **best.told,  # of the best that the rung had to offer
            "against": self.incumbent.name,
            "decision": asdict(decision),
            "deciding_samples": len(self.context.deciding),
            **details,
            "seconds": round(time.perf_counter() - began, 2),
        }
        if incumbent is not None:
            self.incumbent = incumbent
        return Rung(entry, incumbent)
