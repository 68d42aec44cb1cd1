"""The Model record: a trunk, a head and a temperature that turn files into calibrated probabilities."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graft.adaptation.opened import Opened
from graft.backbones import Backbone
from graft.backbones.from_run import TRUNK, saved_backbone
from graft.backbones.model_folder import TRANSCRIPT, read_description, read_head, write_model_folder
from graft.dataset.task import Task
from graft.errors import RequestError, WorkError
from graft.features import Engine, open_engine, trunk_weights
from graft.modalities.modality import Modality, Prepared, UnreadableError
from graft.modalities.samples import tried
from graft.modalities.table import modality_of
from graft.progress import SILENT, Watch
from graft.records import Json
from graft.tasks.table import CLASSES, task_of

Source = Any  # a file, or what the modality accepts from memory


@dataclass(frozen=True)
class Model:
    """A model that needs nothing but its own folder: its task makes answers of scores / temperature.

    `classes` name what it answers with: classes, labels or numbers. `details` is what else its task needs to answer.
    """

    backbone: Backbone
    classes: tuple[str, ...]
    weight: NDArray[np.float32]  # (classes, width)
    bias: NDArray[np.float32]  # (classes,)
    temperature: float
    provenance: Json
    unknown_threshold: float = 1.0  # of 1 - the highest probability: above it, the sample may be of no class
    task: Task = CLASSES
    details: Json = field(default_factory=dict)
    _engine: Opened[Engine] = field(default_factory=Opened, init=False, repr=False, compare=False)

    def save(self, folder: str | Path) -> None:
        """Write the model folder; raises `WorkError` where the disk will not take it."""
        tensors: dict[str, NDArray[Any]] = {TRUNK + name: value for name, value in trunk_weights(self.backbone).items()}
        tensors |= {"head.weight": self.weight, "head.bias": self.bias}
        write_model_folder(
            Path(folder),
            tensors,
            {
                "task": self.task.name,
                "modality": self.backbone.card.modality,
                "classes": list(self.classes),
                "temperature": self.temperature,
                "unknown_threshold": self.unknown_threshold,
                "details": self.details,
                "trunk": self.backbone.weights,
                "backbone": asdict(self.backbone.card),
                "provenance": self.provenance,
            },
        )

    @classmethod
    def load(cls, folder: str | Path) -> "Model":
        """Read a model folder; raises as `read_description` does, and `RequestError` for a model without classes."""
        folder = Path(folder)
        described = read_description(folder)
        if described.kind == TRANSCRIPT:
            raise RequestError(
                f"The model in {folder} writes down what is said, and this works on classes only, so far. What such a "
                "model is for: graft predict and graft evaluate, and graft.Transcriber in Python."
            )
        task, classes = task_of(described.task), tuple(described.classes)
        faults = task.faults(classes, described.details)
        if faults:
            raise WorkError(
                f"The model in {folder} was changed or damaged: {'; '.join(faults)}. Do not use this model."
            )
        weight, bias = read_head(folder, len(described.classes), described.backbone.width)
        return cls(
            backbone=saved_backbone(folder, described),
            classes=classes,
            weight=weight,
            bias=bias,
            temperature=described.temperature,
            provenance=described.provenance,
            unknown_threshold=described.unknown_threshold,
            task=task,
            details=described.details,
        )

    @property
    def modality(self) -> Modality:
        return modality_of(self.backbone.card.modality)

    def answers_of_features(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Calibrated probabilities, or numbers: (samples, width) -> (samples, outputs)."""
        if features.shape[-1] != self.weight.shape[1]:
            raise WorkError(
                f"The network gives {features.shape[-1]:,} features and the model takes {self.weight.shape[1]:,}: they "
                "do not belong together. Do not use this model."
            )
        scores = np.asarray(features, np.float64) @ self.weight.T.astype(np.float64) + self.bias
        return self.task.answers(scores / self.temperature)

    def predict(
        self, sources: Sequence[Source], watch: Watch = SILENT, margin_only: bool = False
    ) -> Iterator[tuple[int, NDArray[np.float64] | UnreadableError]]:
        """Yield (number, answer) for files and samples in memory, in order.

        Features are computed in full precision. What cannot be read yields the error that says why. `margin_only`
        hides all of each sample that should tell its class. The first call opens the engine, and it stays open; many
        threads may call at once.
        """
        with watch.task("Predicting", len(sources), f"{self.modality.noun}s") as advance:
            for start in range(0, len(sources), 512):
                chunk = list(enumerate(sources[start : start + 512], start))
                yield from self._run(self._opened([source for _, source in chunk], watch), chunk, margin_only)
                advance(len(chunk))

    def _opened(self, sources: Sequence[Source], watch: Watch) -> Engine:
        return self._engine.get(lambda: open_engine(self.backbone, "exact", self._sample(sources), watch))

    def _run(
        self, engine: Engine, chunk: Sequence[tuple[int, Source]], margin_only: bool
    ) -> Iterator[tuple[int, NDArray[np.float64] | UnreadableError]]:
        def one(item: tuple[int, Source]) -> tuple[int, NDArray[np.float64] | UnreadableError]:
            number, source = item
            sample = self._prepared(source)
            if isinstance(sample, UnreadableError):
                return number, sample
            if margin_only:
                sample = self.modality.margin_of(sample, self.backbone.card.preprocess)
            features = engine.run(sample[None])
            if not np.isfinite(features).all():
                raise WorkError(f"The model gives no finite features for {source}.")
            return number, self.answers_of_features(features)[0]

        if len(chunk) == 1:  # a service asks one by one: threads would cost more than they bring
            yield one(chunk[0])
            return
        with ThreadPoolExecutor(engine.workers) as pool:
            yield from pool.map(one, chunk)

    def _sample(self, sources: Sequence[Source]) -> list[Prepared]:
        samples = [self._prepared(source) for source in sources[:16]]
        readable = [one for one in samples if not isinstance(one, UnreadableError)]
        return readable or [self.modality.example(self.backbone.card.preprocess)]

    def _prepared(self, source: Source) -> Prepared | UnreadableError:
        modality, preprocess = self.modality, self.backbone.card.preprocess
        return tried(modality, source, lambda sample: modality.prepare(sample, preprocess), preprocess)
