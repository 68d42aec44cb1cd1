"""The climb of graft fit where recordings come with transcripts: a head that spells, then the stages below it."""

import dataclasses
import time
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graft.adaptation.course import FINAL, LETTERS, LETTERS_ALL, LETTERS_LAST, SPELLING, stage_of
from graft.adaptation.letters import Letters, frames_needed, words_of
from graft.adaptation.speech_model import SpeechModel
from graft.backbones import Backbone
from graft.data import Dataset
from graft.data.aside import aside_notes
from graft.errors import DataError, listing, plural
from graft.evaluation.error_rates import Said, TranscriptEvaluation, evaluate_transcripts
from graft.features import suited
from graft.features.heard import too_long, whole
from graft.heads.ridge import LinearHead, Scores
from graft.progress import Watch, tell_stage
from graft.records import PARTS, Finding, Json
from graft.run_folder import RunFolder
from graft.tasks.transcripts import letters_of, spoken
from graft.verbs.climb import CHECKPOINTS
from graft.verbs.heard import heard_in
from graft.verbs.record import Delivery, first_unlocked, write_split
from graft.verbs.report import read_transcript_evaluations

if TYPE_CHECKING:
    from graft.adaptation.context import TrainingContext
    from graft.adaptation.ctc import Ctc
    from graft.adaptation.ladder import Clock
    from graft.verbs.fit import FitOptions

CHOSE = "These recordings also decided what was kept, so expect slightly more errors on new ones."
HELD_OUT = 0.15  # of train, where there is no val part
MOST_DECIDING = 2000


def backbone_for_frames(identity: str | None, dataset: Dataset) -> Backbone:
    """A backbone that hears frame by frame; raises `RequestError` for one that cannot."""
    from graft.backbones.frames import frame_by_frame

    return frame_by_frame(suited(identity, dataset))


@dataclass(frozen=True, slots=True)
class Standing:
    """The model so far, and -log p(text) of each deciding utterance by it."""

    rung: str
    name: str
    backbone: Backbone
    head: LinearHead
    losses: NDArray[np.float64]
    evaluation: TranscriptEvaluation


class Dictation:
    """What has been reached so far, with the same names as a climb over classes."""

    evaluation: TranscriptEvaluation

    def __init__(
        self, run: RunFolder, dataset: Dataset, backbone: Backbone, options: "FitOptions", watch: Watch, began: float
    ) -> None:
        self.run, self.options, self.watch, self.began = run, options, watch, began
        self.backbone, long = whole(backbone, dataset)
        spelled, findings = _too_many_letters(dataset, self.backbone)
        self.dataset = replace(
            dataset, findings=(*dataset.findings, *too_long(dataset, long, self.backbone), *findings)
        )
        self.letters = Letters(letters_of(dataset))
        self.rows = np.setdiff1d(dataset.rows("train", "val"), np.concatenate([long, spelled]))
        if len(self.rows) < 2:
            raise DataError(dataset.pointed_at, ["Nothing is left to train on."], [one.message for one in findings])
        self.ladder: list[Json] = []
        self.standing: Standing | None = None
        self.delivery = Delivery(run, watch)
        write_split(self.run, self.dataset)

    def first_rung(self) -> None:
        """A head on the frames of the frozen network."""
        from graft.adaptation.ctc import empty_head

        self._climb("1", self._head_alone(), self.backbone, empty_head(self.backbone, self.letters))

    def later_rungs(self) -> None:
        """The last stages, then all but the first, as far as the effort and the time allow; at last on all samples."""
        from graft.adaptation.ctc import Ctc
        from graft.adaptation.defaults import spelling_cut, spelling_plan

        plan, rungs = spelling_plan(self.backbone), []
        if self.options.effort != "quick":
            rungs.append(("2", Ctc(spelling_cut(self.backbone), plan, self.letters, LETTERS_LAST)))
        if self.options.effort == "best":
            rungs.append(("3", Ctc(1, plan, self.letters, LETTERS_ALL)))
        assert self.standing is not None
        for rung, how in rungs:
            if self._clock.is_over:
                break
            self._climb(rung, how, self.standing.backbone, self.standing.head)
        if not self._clock.is_over:
            self._on_everything(dict(rungs))

    def _head_alone(self) -> "Ctc":
        from graft.adaptation.ctc import Ctc
        from graft.adaptation.defaults import spelling_plan

        plan = spelling_plan(self.backbone, head_only=True)
        return Ctc(len(self.backbone.stages) - 1, plan, self.letters, SPELLING, frozen=True, views=0)

    @property
    def is_over(self) -> bool:
        """Whether the time that was given is up."""
        return self._clock.is_over

    def known_evaluation(self) -> TranscriptEvaluation:
        """The evaluation in the run that no look at the test part was needed for."""
        return first_unlocked(read_transcript_evaluations(self.run))

    @property
    def _clock(self) -> "Clock":
        from graft.adaptation.ladder import Clock

        return Clock(self.began, None if self.options.minutes is None else 60 * self.options.minutes)

    def _tell(self, title: str) -> None:
        tell_stage(self.watch, stage_of(LETTERS[self.options.effort], title, self._clock.left))

    def _climb(self, rung: str, how: "Ctc", backbone: Backbone, head: LinearHead) -> None:
        """Train, and keep what is better on the deciding utterances, clearly in loss and not worse in letters."""
        from graft.adaptation.context import InitialModel
        from graft.adaptation.ctc import losses_of

        self._tell(how.name)
        began, context = time.perf_counter(), self._context(rung)
        result = how.fit(InitialModel(backbone, head, 1.0), context)
        backbone, head = result.deliver(1.0)
        deciding = context.rows[context.deciding]
        losses = losses_of(result.scores[1.0], self.letters.targets(spoken(self.dataset, deciding)))
        fresh = Standing(rung, result.name, backbone, head, losses, self._judged(result.scores[1.0], deciding))
        kept, why = _better(fresh, self.standing)
        if kept:
            for entry in self.ladder:
                entry |= {"kept": False, "passed_by": rung} if entry["kept"] else {}
            self.standing, self.evaluation = fresh, fresh.evaluation
            self._keep(fresh, len(context.train))
        trained = dataclasses.asdict(result.trained)
        self.ladder.append(
            {
                "rung": rung,
                "name": result.name,
                "kept": kept,
                "why": why,
                "word_error_rate": fresh.evaluation.rates.words.value,
                "letter_error_rate": fresh.evaluation.rates.letters.value,
                "loss": float(losses.mean()),
                "deciding_samples": len(deciding),
                **{name: trained[name] for name in ("steps", "planned", "stopped", "epochs")},
                "alarms": list(result.alarms),
                "seconds": round(time.perf_counter() - began, 2),
            }
        )
        self._write()

    def _on_everything(self, rungs: "dict[str, Ctc]") -> None:
        """What was kept goes on for a quarter of its course on all samples; nothing can be measured on it."""
        from graft.adaptation.context import InitialModel

        standing = self.standing
        assert standing is not None
        self._tell(FINAL)
        began, how = time.perf_counter(), rungs.get(standing.rung) or self._head_alone()
        plan = replace(
            how.plan,
            epochs=how.plan.epochs / 4,
            least_steps=how.plan.least_steps // 4,
            learning_rate=how.plan.learning_rate / 2,
            head_learning_rate=how.plan.head_learning_rate / 2,
        )
        context = self._context("final").on_everything()
        result = replace(how, plan=plan).fit(InitialModel(standing.backbone, standing.head, 1.0), context)
        backbone, head = result.deliver(1.0)
        self.standing = replace(standing, backbone=backbone, head=head, name=f"{standing.name}, then on all samples")
        self._keep(self.standing, len(context.rows))
        self.ladder.append(
            {
                "rung": "final",
                "name": "the same on all samples",
                "kept": True,
                "why": "retrained on train + validation, not re-measured; the figures are those from before",
                "steps": result.trained.steps,
                "seconds": round(time.perf_counter() - began, 2),
            }
        )
        self._write()

    def _context(self, rung: str) -> "TrainingContext":
        from graft.adaptation.context import TrainingContext
        from graft.training.place import Place

        deciding = _deciding(self.dataset, self.rows, self.options.load.seed)
        left = self._clock.left
        return TrainingContext(
            self.dataset,
            self.rows,
            np.flatnonzero(~deciding),
            np.flatnonzero(deciding)[:MOST_DECIDING],
            Place.best(),
            self.options.load.seed,
            self.options.cache_gb,
            self.watch,
            self.run.path / CHECKPOINTS / rung,
            self.options.checkpoint_seconds,
            None if left is None else time.perf_counter() + max(1.0, left / 2),
            lambda epoch: self.run.event("epoch", **dataclasses.asdict(epoch)),
        )

    def _judged(self, scores: Scores, rows: NDArray[np.intp]) -> TranscriptEvaluation:
        data = self.dataset
        said = Said(
            spoken(data, rows),
            [data.sources[row] for row in rows],
            [data.groups[row] for row in rows],
            str(data.root),
        )
        words = words_of(spoken(data, data.rows("train", "val")))
        with self.watch.task("Spelling", len(rows), "recordings") as advance:
            heard = heard_in(scores, self.letters, words)
            advance(len(rows))
        part = "val" if data.count("val") else "held-out share of train"
        return evaluate_transcripts(part, said, heard, words, [*aside_notes(data.findings), CHOSE])

    def _keep(self, standing: Standing, samples: int) -> None:
        data = self.dataset
        about = {"head": "one linear layer on each frame, trained with CTC", "samples": samples, "rung": standing.rung}
        about |= {"trained": standing.name, "dataset": data.fingerprint, "seed": self.options.load.seed}
        model = SpeechModel(
            backbone=standing.backbone,
            letters=self.letters,
            weight=np.ascontiguousarray(standing.head.weight.T, np.float32),
            bias=standing.head.bias.astype(np.float32),
            words=words_of(spoken(data, data.rows("train", "val"))),
            provenance={"graft": version("graft-ml"), **about},
        )
        self.delivery.offer(model.save)

    def _write(self) -> None:
        self.delivery.write(self.ladder, self.evaluation)


def _better(fresh: Standing, standing: Standing | None) -> tuple[bool, str]:
    """Whether a rung takes the place of what stands, and why."""
    if standing is None:
        return True, "it is the first"
    gained = standing.losses - fresh.losses
    error = float(gained.std(ddof=1) / np.sqrt(len(gained))) if len(gained) > 1 else float("inf")
    if not gained.mean() > error:
        return False, "its loss is not clearly lower"
    before, now = standing.evaluation.rates.letters.value, fresh.evaluation.rates.letters.value
    if now > before:
        return False, "its loss is lower, but it gets more letters wrong"
    return True, f"clearly lower loss, and {100 * now:.1f}% of letters wrong after {100 * before:.1f}%"


def _deciding(dataset: Dataset, rows: NDArray[np.intp], seed: int) -> NDArray[np.bool_]:
    """Which rows decide: the val part, or a share of train, whole groups where there are several."""
    val = dataset.parts[rows] == PARTS.index("val")
    if val.any() and not val.all():
        return val
    groups = dataset.group_numbers(rows)
    rng = np.random.default_rng(seed)
    if groups is None or len(np.unique(groups)) < 2:
        chosen = np.zeros(len(rows), np.bool_)
        chosen[rng.permutation(len(rows))[: max(1, round(HELD_OUT * len(rows)))]] = True
        return chosen
    names = rng.permutation(np.unique(groups))
    found: NDArray[np.bool_] = np.isin(groups, names[: max(1, round(HELD_OUT * len(names)))])
    return found


def _too_many_letters(dataset: Dataset, backbone: Backbone) -> tuple[NDArray[np.intp], tuple[Finding, ...]]:
    """Rows whose transcripts need more frames than the network gives, and the finding that tells them."""
    import torch

    from graft.backbones.measure import example_input

    module = backbone.module  # loaded outside: what is made in inference mode cannot be trained
    with torch.no_grad():
        frames = int(module(example_input("audio", backbone.card.preprocess)).shape[1])
    rows = dataset.rows("train", "val")
    many = rows[[frames_needed(text) > frames for text in spoken(dataset, rows)]]
    if not len(many):
        return many, ()
    names = tuple(dataset.sources[row] for row in many)
    message = (
        f"{plural(len(many), 'transcript')} longer than {frames} frames can spell (a letter takes one, and one more "
        f"between two that are the same); not trained on: {listing(names, 3)}."
    )
    return many, (Finding("transcript-too-long", "warning", message, names),)
