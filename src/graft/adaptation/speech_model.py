"""The SpeechModel record: a network that hears frame by frame, and a head that spells."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graft.adaptation.decoding import Frames, Guess, Lexicon, beam
from graft.adaptation.letters import Letters
from graft.audio import AUDIO, Recording
from graft.backbones import Backbone
from graft.backbones.from_run import TRUNK, saved_backbone
from graft.backbones.model_folder import TRANSCRIPT, WEIGHTS, read_description, write_model_folder
from graft.errors import RequestError, WorkError
from graft.features import trunk_weights
from graft.machine import usable_cores
from graft.modality import Modality, UnreadableError
from graft.progress import SILENT, Watch
from graft.records import AudioPreprocess, Json

TOGETHER = 8  # recordings of one length that are computed at once
AHEAD = 64  # recordings that are decoded before the network hears them

Source = Any  # a file, bytes, or samples with their rate


@dataclass(frozen=True)
class SpeechModel:
    """Writes down short recordings; it needs nothing but its own folder.

    `words` are those of the transcripts that it learnt from, for whoever wants no others.
    """

    backbone: Backbone  # frame by frame
    letters: Letters
    weight: NDArray[np.float32]  # (letters + 1, width); the first row is the blank's
    bias: NDArray[np.float32]  # (letters + 1,)
    words: tuple[str, ...]
    provenance: Json

    def save(self, folder: str | Path) -> None:
        """Write the model folder; raises `WorkError` where the disk will not take it."""
        tensors: dict[str, NDArray[Any]] = {TRUNK + name: value for name, value in trunk_weights(self.backbone).items()}
        tensors |= {"head.weight": self.weight, "head.bias": self.bias}
        write_model_folder(
            Path(folder),
            tensors,
            {
                "kind": TRANSCRIPT,
                "modality": self.backbone.card.modality,
                "classes": list(self.letters.names),
                "blank": 0,
                "temperature": 1.0,
                "words": list(self.words),
                "trunk": self.backbone.weights,
                "backbone": asdict(self.backbone.card),
                "provenance": self.provenance,
            },
        )

    @classmethod
    def load(cls, folder: str | Path) -> "SpeechModel":
        """Read a model folder; raises as `read_description` does, and `RequestError` for a model of classes."""
        from safetensors import safe_open

        folder = Path(folder)
        description = read_description(folder)
        if description.get("kind") != TRANSCRIPT:
            raise RequestError(f"The model in {folder} names classes; it does not write down what is said.")
        with safe_open(folder / WEIGHTS, framework="np") as file:
            weight, bias = file.get_tensor("head.weight"), file.get_tensor("head.bias")
        return cls(
            backbone=saved_backbone(folder, description),
            letters=Letters(tuple(description["classes"])),
            weight=weight,
            bias=bias,
            words=tuple(description["words"]),
            provenance=description["provenance"],
        )

    @property
    def modality(self) -> Modality:
        return AUDIO

    @property
    def preprocess(self) -> AudioPreprocess:
        preprocess = self.backbone.card.preprocess
        assert isinstance(preprocess, AudioPreprocess)
        return preprocess

    @cached_property
    def lexicon(self) -> Lexicon:
        return Lexicon(self.words, self.letters)

    def listen(
        self, sources: Sequence[Source], watch: Watch = SILENT
    ) -> Iterator[tuple[int, Frames | UnreadableError]]:
        """Yield (number, log-probabilities of letters in each frame) of recordings, in order, in full precision.

        What cannot be read, or is longer than the network hears at once, yields the error that says why.
        """
        with (
            ThreadPoolExecutor(usable_cores()) as pool,
            watch.task("Listening", len(sources), f"{AUDIO.noun}s") as advance,
        ):
            for start in range(0, len(sources), AHEAD):
                chunk = list(pool.map(self._prepared, sources[start : start + AHEAD]))
                yield from enumerate(self._heard(chunk), start)
                advance(len(chunk))

    def guesses(self, frames: Frames, known_words: bool = False) -> list[Guess]:
        """The most probable texts, best first, of any letters or of the words that it learnt from alone."""
        return beam(frames, self.letters, self.lexicon if known_words else None) or [Guess("", 0.0)]

    def _prepared(self, source: Source) -> NDArray[np.int16] | UnreadableError:
        try:
            sample: Recording = AUDIO.decode(source) if isinstance(source, Path | bytes) else AUDIO.accept(source)
        except UnreadableError as error:
            return error
        preprocess = self.preprocess
        own = -(-len(sample.wave) * preprocess.rate // sample.rate)
        if own > preprocess.most:
            heard, long = preprocess.most / preprocess.rate, len(sample.wave) / sample.rate
            return UnreadableError(
                f"{long:.1f} s long, and this network hears {heard:.1f} s at once; cut it at a pause"
            )
        step = preprocess.rate // 4  # few lengths, so that several are computed at once
        samples = min(preprocess.most, max(preprocess.samples, -(-own // step) * step))
        return AUDIO.prepare(sample, replace(preprocess, samples=samples))

    def _heard(self, chunk: Sequence[NDArray[np.int16] | UnreadableError]) -> list[Frames | UnreadableError]:
        import torch

        from graft.adaptation.ctc import log_softmax

        found: dict[int, Frames | UnreadableError] = {
            number: one for number, one in enumerate(chunk) if isinstance(one, UnreadableError)
        }
        waves = {number: one for number, one in enumerate(chunk) if not isinstance(one, UnreadableError)}
        entry, module = AUDIO.entry(self.preprocess), self.backbone.module
        for size in sorted({len(wave) for wave in waves.values()}):
            alike = [number for number, wave in waves.items() if len(wave) == size]
            for start in range(0, len(alike), TOGETHER):
                numbers = alike[start : start + TOGETHER]
                with torch.inference_mode():
                    inputs = entry(torch.from_numpy(np.stack([waves[number] for number in numbers])))
                    features = module(inputs).double().numpy()
                if not np.isfinite(features).all():
                    raise WorkError("The model gives no finite features for some of these recordings.")
                scores = log_softmax(features @ self.weight.T.astype(np.float64) + self.bias)
                found |= dict(zip(numbers, scores, strict=True))
        return [found[number] for number in range(len(chunk))]


def writes_transcripts(folder: Path) -> bool:
    """Whether the model in a folder writes down what is said; raises as `read_description` does."""
    return read_description(folder).get("kind") == TRANSCRIPT
