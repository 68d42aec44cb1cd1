"""The gate: an artifact is run on held-out files, from bytes to label, and compared with the model in torch."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graft.adaptation.model import Model, Source
from graft.errors import WorkError, listing, plural
from graft.export.agreement import MOST_APART, Disagreement, Rows, judge
from graft.export.classifier import classifier
from graft.export.target import Runtime, Variant
from graft.heads.ridge import Targets
from graft.machine import usable_cores
from graft.modalities.modality import Prepared, UnreadableError
from graft.modalities.samples import tried
from graft.progress import Watch
from graft.records import Interval
from graft.workers import workers

TIMED = 30  # runs of which the median is the latency
FEW = 50


@dataclass(frozen=True, slots=True)
class Parity:
    """How an artifact's answers compare with the model's on the same files; differences are artifact minus model.

    `mean_distance` is the mean total variation distance between their probabilities, 0 to 1, `largest_difference` the
    largest of a single one. `faults` is empty where it passed. Latencies are milliseconds for one sample without
    decoding; the model's is that of PyTorch as people write it. Accuracies are None where the files carry no labels.
    `learnt_from` counts the files by which the model was fitted or chosen, known by their content. `ties` are
    disagreements between two answers that the model itself finds nearly equally probable: `agreement` counts them, and
    `agreement_interval`, by which an artifact is judged, does not; nor those where the label says that it is right.
    """

    variant: Variant
    checked_on: str
    samples: int
    agreement: float
    largest_difference: float
    mean_distance: float
    accuracy: Interval | None
    model_accuracy: Interval | None
    accuracy_difference: Interval | None
    calibration_difference: Interval | None
    milliseconds: float
    model_milliseconds: float
    megabytes: float
    disagreements: tuple[Disagreement, ...]
    faults: tuple[str, ...]
    unreadable: tuple[str, ...] = ()
    learnt_from: int = 0
    ties: int = 0
    agreement_interval: Interval | None = None

    @property
    def passed(self) -> bool:
        return not self.faults


class Check:
    """Held-out samples with the answers of the model in torch, computed once for all variants.

    `targets` are those of the samples, or None where they are not known; `learnt` are the numbers of the samples by
    which the model was fitted or chosen.
    """

    def __init__(
        self,
        model: Model,
        contents: Sequence[Source],
        sources: Sequence[str],
        targets: Targets | None,
        title: str,
        watch: Watch,
        learnt: frozenset[int] = frozenset(),
    ) -> None:
        self.model, self.title, self.watch = model, title, watch
        run = TorchRuntime(model).run
        answers, unreadable = [], []
        kept = []
        for row, sample in enumerate(self._samples(contents, whole=False, title="Running the model in torch")):
            if isinstance(sample, UnreadableError):
                unreadable.append(f"{sources[row]}: {sample}")
            else:
                answers.append(run(sample))
                kept.append(row)
        if not kept:
            raise WorkError(f"None of the files of {title} can be read: {listing(unreadable, 3)}")
        self.contents = [contents[row] for row in kept]
        self.sources = [sources[row] for row in kept]
        self.targets = None if targets is None else targets[kept]
        self.unreadable = tuple(unreadable)
        self.learnt = len(learnt & set(kept))
        self.reference: Rows = np.stack(answers)
        self.milliseconds = self._latency(run, whole=False)

    def compare(self, runtime: Runtime, variant: Variant, whole: bool, megabytes: float) -> Parity:
        """Put every sample to the artifact and judge it; `whole` artifacts get what a device has in hand."""
        samples = self._samples(self.contents, whole, f"Checking the exported model ({variant})")
        found = np.stack([runtime.run(sample) for sample in samples if not isinstance(sample, UnreadableError)])
        compared = judge(self.model, self.reference, found, self.targets, self.sources, variant)
        return Parity(
            variant=variant,
            checked_on=self.title,
            samples=len(found),
            **compared,
            milliseconds=self._latency(runtime.run, whole),
            model_milliseconds=self.milliseconds,
            megabytes=megabytes,
            unreadable=self.unreadable,
            learnt_from=self.learnt,
        )

    def _samples(self, contents: Sequence[Source], whole: bool, title: str) -> Iterator[Prepared | UnreadableError]:
        """Samples in order, decoded ahead of their use."""
        prepare = partial(prepared, self.model, whole=whole)
        with (
            self.watch.task(title, len(contents), f"{self.model.modality.noun}s") as advance,
            workers(usable_cores()) as pool,
        ):
            for start in range(0, len(contents), 32):
                chunk = contents[start : start + 32]
                for sample in pool.map(prepare, chunk):
                    yield sample
                    advance(1)

    def _latency(self, run: Callable[[Prepared], Any], whole: bool) -> float:
        sample = prepared(self.model, self.contents[0], whole)
        if isinstance(sample, UnreadableError):
            raise WorkError(f"{self.sources[0]} changed while it was read: {sample}.")
        times = []
        for _ in range(TIMED):
            began = time.perf_counter()
            run(sample)
            times.append(1000 * (time.perf_counter() - began))
        return float(np.median(times[TIMED // 5 :]))


class TorchRuntime:
    """The model itself, in plain PyTorch and single precision."""

    def __init__(self, model: Model) -> None:
        self.module = classifier(model)

    def run(self, sample: Prepared) -> NDArray[np.float64]:
        import torch

        with torch.inference_mode():
            answer: NDArray[np.float64] = self.module(torch.from_numpy(np.array(sample[None])))[0][0].double().numpy()
        return answer


def prepared(model: Model, content: Source, whole: bool) -> Prepared | UnreadableError:
    """A file's content as an artifact takes it, or why it cannot be read."""
    modality, preprocess = model.modality, model.backbone.card.preprocess
    if whole:
        return tried(modality, content, lambda sample: modality.signal(sample, preprocess))
    return tried(modality, content, lambda sample: modality.prepare(sample, preprocess), preprocess)


def notes(parity: Parity) -> list[str]:
    """What a reader must know of a comparison that passed."""
    told = []
    if parity.samples < FEW:
        told.append(f"Only {plural(parity.samples, 'file')} compared: a rare disagreement would not be seen.")
    if parity.ties:
        told.append(
            f"{plural(parity.ties, 'tie')}: the model finds two answers about equally probable there (less than "
            f"{100 * MOST_APART[parity.variant]:g} points apart), and the artifact gives the other. They do not count."
        )
    if parity.learnt_from:
        told.append(learnt(parity))
    if parity.accuracy is None:
        told.append("The files carry no labels that the model knows: accuracy was not compared.")
    if parity.unreadable:
        told.append(f"{plural(len(parity.unreadable), 'file')} could not be read: {listing(list(parity.unreadable))}.")
    return told


def learnt(parity: Parity) -> str:
    """How far a comparison rests on files that say less than new ones."""
    which = "All" if parity.learnt_from == parity.samples else f"{parity.learnt_from:,} of the"
    return (
        f"{which} {plural(parity.samples, 'file')} are ones by which the model was fitted or chosen. It is surer of "
        "them than of new ones: answers change more easily than these figures say, and the accuracy is no promise."
    )
