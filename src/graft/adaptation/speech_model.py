"""The SpeechModel record: a network that hears frame by frame, and a head that spells."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graft.adaptation.decoding import Frames, Guess, Lexicon, beam
from graft.adaptation.letters import Letters
from graft.adaptation.opened import Opened
from graft.backbones import Backbone
from graft.backbones.from_run import TRUNK, saved_backbone
from graft.backbones.model_folder import TRANSCRIPT, read_description, read_head, write_model_folder
from graft.errors import RequestError, WorkError
from graft.features import trunk_weights
from graft.features.engine import entered
from graft.machine import usable_cores
from graft.modalities.audio import AUDIO, Recording
from graft.modalities.modality import Modality, UnreadableError
from graft.modalities.samples import tried
from graft.progress import SILENT, Watch
from graft.records import AudioPreprocess, Json

if TYPE_CHECKING:
    from torch import nn

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
    _network: "Opened[nn.Module]" = field(default_factory=Opened, init=False, repr=False, compare=False)

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
        folder = Path(folder)
        described = read_description(folder)
        if described.kind != TRANSCRIPT:
            raise RequestError(f"The model in {folder} names classes; it does not write down what is said.")
        weight, bias = read_head(folder, len(described.classes) + 1, described.backbone.width)
        return cls(
            backbone=saved_backbone(folder, described),
            letters=Letters(tuple(described.classes)),
            weight=weight,
            bias=bias,
            words=tuple(described.words),
            provenance=described.provenance,
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

        What cannot be read, or is longer than the network hears at once, yields the error that says why. The first
        call loads the network, and it stays loaded; many threads may call at once.
        """
        with watch.task("Listening", len(sources), f"{AUDIO.noun}s") as advance:
            for start in range(0, len(sources), AHEAD):
                chunk = self._decoded(sources[start : start + AHEAD])
                yield from enumerate(self._heard(chunk), start)
                advance(len(chunk))

    def _decoded(self, sources: Sequence[Source]) -> list[NDArray[np.int16] | UnreadableError]:
        if len(sources) == 1:  # a service asks one by one: threads would cost more than they bring
            return [self._prepared(sources[0])]
        with ThreadPoolExecutor(usable_cores()) as pool:
            return list(pool.map(self._prepared, sources))

    def guesses(self, frames: Frames, known_words: bool = False) -> list[Guess]:
        """The most probable texts, best first, of any letters or of the words that it learnt from alone."""
        return beam(frames, self.letters, self.lexicon if known_words else None) or [Guess("", 0.0)]

    def _prepared(self, source: Source) -> NDArray[np.int16] | UnreadableError:
        most = replace(self.preprocess, samples=self.preprocess.most)
        return tried(AUDIO, source, self._whole, most)

    def _whole(self, sample: Recording) -> NDArray[np.int16]:
        preprocess = self.preprocess
        if sample.seconds * preprocess.rate > preprocess.most:
            raise UnreadableError(
                f"{sample.seconds:.1f} s long, and this network hears {preprocess.most / preprocess.rate:.1f} s at "
                "once; cut it at a pause"
            )
        own = -(-len(sample.wave) * preprocess.rate // sample.rate)
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
        module = self._network.get(lambda: entered(self.backbone))
        for size in sorted({len(wave) for wave in waves.values()}):
            alike = [number for number, wave in waves.items() if len(wave) == size]
            for start in range(0, len(alike), TOGETHER):
                numbers = alike[start : start + TOGETHER]
                with torch.inference_mode():
                    inputs = torch.from_numpy(np.stack([waves[number] for number in numbers]))
                    features = module(inputs).double().numpy()
                if not np.isfinite(features).all():
                    raise WorkError("The model gives no finite features for some of these recordings.")
                scores = log_softmax(features @ self.weight.T.astype(np.float64) + self.bias)
                found |= dict(zip(numbers, scores, strict=True))
        return [found[number] for number in range(len(chunk))]


def writes_transcripts(folder: Path) -> bool:
    """Whether the model in a folder writes down what is said; raises as `read_description` does."""
    return read_description(folder).kind == TRANSCRIPT
