"""Walking through folders as people make them: links, circles of links, closed folders and hidden ones."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from graft.run_folder import is_made_by_graft


@dataclass
class Walk:
    """Yields files, each real folder once, and keeps what it did not enter."""

    above: tuple[Path, ...] = ()  # folders that a link may lead back to
    circles: list[Path] = field(default_factory=list)  # links to a folder that is above or was already read
    closed: dict[Path, str] = field(default_factory=dict)  # folders that cannot be read, with the system's reason
    made: list[Path] = field(default_factory=list)  # runs and artifacts of graft: what lies in them is no sample
    hidden: int = 0

    def files(self, folder: Path) -> Iterator[Path]:
        """All files below a folder in order of their names, also through links."""
        yield from self._below(folder, {os.path.realpath(parent) for parent in self.above})

    def _below(self, folder: Path, entered: set[str]) -> Iterator[Path]:
        real = os.path.realpath(folder)
        if real in entered:
            self.circles.append(folder)
            return
        entered.add(real)
        try:
            inside = [(entry, entry.is_dir()) for entry in sorted(folder.iterdir())]
        except OSError as error:
            self.closed[folder] = (error.strerror or str(error)).lower()
            return
        for entry, is_folder in inside:
            if not is_folder:
                yield entry
            elif entry.name.startswith("."):
                self.hidden += 1  # .ipynb_checkpoints, .thumbnails and the like
            elif is_made_by_graft(entry):
                self.made.append(entry)
            else:
                yield from self._below(entry, entered)
