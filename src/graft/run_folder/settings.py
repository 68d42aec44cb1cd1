"""What run.json holds, as far as others rely on it."""

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Essential:
    """What every finished run.json holds, among other things."""

    graft: str
    data: str
    dataset: str
    split: str
    split_sha256: str
    samples: dict[str, int]
    started: str
    seed: int
    test_readings: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Resumable:
    """What a run.json must hold for the run to be resumed, among other things."""

    state: str
    data: str
    dataset: str
    backbone: str
    effort: Literal["quick", "good", "best"]
    seed: int
    group: str | None
    min_per_class: int
    cache_gb: float
    minutes: float | None
    checkpoint_seconds: float
    pretrain_epochs: float | None
    versions: dict[str, str]
    text: str | None = None
    label: str | None = None
    file: str | None = None
    encoding: str | None = None
    root: str | None = None
    task: str | None = None
    epochs: float | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    label_smoothing: float | None = None
    strategy: dict[str, Any] | None = None  # of a run that graft.adapt made
    id: str = ""
    machine: dict[str, str | int] = field(default_factory=dict)
