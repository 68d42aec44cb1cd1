"""Checkpoints that are whole or not there: a folder renamed into place, checksums last, the two newest kept."""

import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from graft.errors import WorkError
from graft.progress import SILENT, Watch
from graft.storage import explain, sha256_of, sync_folder, write_bytes, write_json

if TYPE_CHECKING:
    from torch import Tensor

STATE, MANIFEST = "state.safetensors", "manifest.json"
KEPT = 2


class Resumable(Protocol):
    """A training whose state is named tensors."""

    def tensors(self) -> "dict[str, Tensor]": ...

    def restore_from(self, tensors: "dict[str, Tensor]") -> None: ...


class Checkpoints:
    """The checkpoints of one training in one folder. `identity` says what they belong to: data, settings, versions."""

    def __init__(self, folder: Path, identity: str, every_seconds: float = 30.0, watch: Watch = SILENT) -> None:
        self.folder = folder
        self.identity = identity
        self.every_seconds = every_seconds
        self.watch = watch
        self._saved = time.monotonic()
        self._place: tuple[int, int] | None = None  # what the system calls the folder, once there is one

    def maybe_save(self, state: Resumable, step: int) -> None:
        """Save if the last time is long enough ago; raises `WorkError` where the disk will not take it."""
        if time.monotonic() - self._saved >= self.every_seconds:
            self.save(state, step)

    def save(self, state: Resumable, step: int) -> None:
        """Write a checkpoint and remove all but the two newest."""
        from safetensors.torch import save

        self._check_place()
        folder, place = self.folder / ".new", self.folder / f"step-{step:08}"
        for old in (folder, place):
            shutil.rmtree(old, ignore_errors=True)
        write_bytes(folder / STATE, save({name: value.contiguous() for name, value in state.tensors().items()}))
        # The manifest is written last: a checkpoint without it is not one, wherever it lies.
        write_json(folder / MANIFEST, {"identity": self.identity, "step": step, "sha256": sha256_of(folder / STATE)})
        folder.rename(place)
        sync_folder(self.folder)
        for old in sorted(self.folder.glob("step-*"))[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)
        self._saved = time.monotonic()

    def _check_place(self) -> None:
        """Raise `WorkError` where the folder is not the one any more that was begun with: the run was moved."""
        try:
            if self._place is None:
                self.folder.mkdir(parents=True, exist_ok=True)
            status = self.folder.stat()
        except FileNotFoundError as error:
            raise WorkError(f"{self.folder} is gone: the run was moved or removed while it was fitted.") from error
        except OSError as error:
            raise WorkError(f"Could not write {self.folder}: {explain(error)}") from error
        present = (status.st_dev, status.st_ino)
        if self._place not in (None, present):
            raise WorkError(f"{self.folder} is another run's by now: this one was moved while it was fitted.")
        self._place = present

    def restore(self, state: Resumable) -> int:
        """Put the newest whole checkpoint back and return its step; 0 where there is none that belongs here."""
        from safetensors.torch import load_file

        for folder in sorted(self.folder.glob("step-*"), reverse=True):
            step = self._whole(folder)
            if step is not None:
                state.restore_from(load_file(folder / STATE))
                self.watch.say(f"Resumed at step {step:,} from {folder}.")
                return step
        return 0

    def clear(self) -> None:
        """Remove all checkpoints: the training has ended and its result is kept elsewhere."""
        self._place = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def _whole(self, folder: Path) -> int | None:
        try:
            manifest = json.loads((folder / MANIFEST).read_text())
            if manifest["identity"] != self.identity:
                return None
            if manifest["sha256"] != sha256_of(folder / STATE):
                self.watch.say(f"The checkpoint {folder} is damaged; an older one is taken.")
                return None
            return int(manifest["step"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
