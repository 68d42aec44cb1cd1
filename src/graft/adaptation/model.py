"""The Model record: a trunk, a head and a temperature that turn files into calibrated probabilities."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graft.backbones import Backbone
from graft.backbones.from_run import TRUNK, saved_backbone
from graft.backbones.model_folder import TRANSCRIPT, WEIGHTS, read_description, write_model_folder
from graft.errors import RequestError, WorkError
from graft.features import Engine, open_engine, trunk_weights
from graft.modalities import modality_of
from graft.modality import Modality, Pair, Prepared, UnreadableError
from graft.progress import SILENT, Watch
from graft.ranking.temperature import softmax
from graft.records import Json

Source = Any  # a file, or what the modality accepts from memory


@dataclass(frozen=True)
class Model:
    """A classifier that needs nothing but its own folder; probabilities are softmax(scores / temperature)."""

    backbone: Backbone
    classes: tuple[str, ...]
    weight: NDArray[np.float32]  # (classes, width)
    bias: NDArray[np.float32]  # (classes,)
    temperature: float
    provenance: Json
    unknown_threshold: float = 1.0  # of 1 - the highest probability: above it, the sample may be of no class

    def save(self, folder: str | Path) -> None:
        """Write the model folder; raises `WorkError` where the disk will not take it."""
        tensors: dict[str, NDArray[Any]] = {TRUNK + name: value for name, value in trunk_weights(self.backbone).items()}
        tensors |= {"head.weight": self.weight, "head.bias": self.bias}
        write_model_folder(
            Path(folder),
            tensors,
            {
                "modality": self.backbone.card.modality,
                "classes": list(self.classes),
                "temperature": self.temperature,
                "unknown_threshold": self.unknown_threshold,
                "trunk": self.backbone.weights,
                "backbone": asdict(self.backbone.card),
                "provenance": self.provenance,
            },
        )

    @classmethod
    def load(cls, folder: str | Path) -> "Model":
        """Read a model folder; raises as `read_description` does, and `RequestError` for a model without classes."""
        from safetensors import safe_open

        folder = Path(folder)
        description = read_description(folder)
        if description.get("kind") == TRANSCRIPT:
            raise RequestError(
                f"The model in {folder} writes down what is said, and this works on classes only, so far. What such a "
                "model is for: graft predict and graft evaluate, and graft.Transcriber in Python."
            )
        with safe_open(folder / WEIGHTS, framework="np") as file:
            weight, bias = file.get_tensor("head.weight"), file.get_tensor("head.bias")
        return cls(
            backbone=saved_backbone(folder, description),
            classes=tuple(description["classes"]),
            weight=weight,
            bias=bias,
            temperature=description["temperature"],
            provenance=description["provenance"],
            unknown_threshold=description.get("unknown_threshold", 1.0),
        )

    @property
    def modality(self) -> Modality:
        return modality_of(self.backbone.card.modality)

    def probabilities_of_features(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Calibrated probabilities: (samples, width) -> (samples, classes)."""
        scores = np.asarray(features, np.float64) @ self.weight.T.astype(np.float64) + self.bias
        return softmax(scores / self.temperature)

    def predict(
        self, sources: Sequence[Source], watch: Watch = SILENT, margin_only: bool = False
    ) -> Iterator[tuple[int, NDArray[np.float64] | UnreadableError]]:
        """Yield (number, probabilities) for files and samples in memory, in order.

        Features are computed in full precision. What cannot be read yields the error that says why. `margin_only`
        hides all of each sample that should tell its class.
        """
        engine: Engine | None = None
        with watch.task("Predicting", len(sources), f"{self.modality.noun}s") as advance:
            for start in range(0, len(sources), 512):
                chunk = list(enumerate(sources[start : start + 512], start))
                if engine is None:
                    engine = open_engine(self.backbone, "exact", self._sample([source for _, source in chunk]), watch)
                yield from self._run(engine, chunk, margin_only)
                advance(len(chunk))

    def _run(
        self, engine: Engine, chunk: Sequence[tuple[int, Source]], margin_only: bool
    ) -> Iterator[tuple[int, NDArray[np.float64] | UnreadableError]]:
        def one(item: tuple[int, Source]) -> tuple[int, NDArray[np.float64] | UnreadableError]:
            number, source = item
            try:
                sample = self._prepared(source)
            except UnreadableError as error:
                return number, error
            if margin_only:
                sample = self.modality.margin_of(sample, self.backbone.card.preprocess)
            features = engine.run(sample[None])
            if not np.isfinite(features).all():
                raise WorkError(f"The model gives no finite features for {source}.")
            return number, self.probabilities_of_features(features)[0]

        with ThreadPoolExecutor(engine.workers) as pool:
            yield from pool.map(one, chunk)

    def _sample(self, sources: Sequence[Source]) -> list[Prepared]:
        samples = []
        for source in sources[:16]:
            try:
                samples.append(self._prepared(source))
            except UnreadableError:
                continue
        return samples or [self.modality.example(self.backbone.card.preprocess)]

    def _prepared(self, source: Source) -> Prepared:
        modality = self.modality
        sample = modality.decode(source) if isinstance(source, Path | bytes | Pair) else modality.accept(source)
        return modality.prepare(sample, self.backbone.card.preprocess)
