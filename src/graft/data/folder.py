"""A folder of labelled samples: one sub-folder per class, or train/val/test folders of such folders."""

import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from graft.data.listing import PART_NAMES, Entry, Listing
from graft.data.rows import TABLES
from graft.data.walk import Walk
from graft.dataset.options import LoadOptions
from graft.dataset.task import Task
from graft.errors import DataError, RequestError, listing, plural
from graft.escaping import is_plain, visible
from graft.modalities.image import IMAGE
from graft.modalities.modality import Modality
from graft.modalities.table import MODALITIES
from graft.records import Finding, Part
from graft.run_folder import is_made_by_graft
from graft.storage import is_utf8
from graft.tasks.table import CLASSES, task_of

LOOKED_AT = 2000  # files that say what kind of samples a folder holds


@dataclass(frozen=True, slots=True)
class FolderReader:
    """Reads the layout that most people already have: the name of the folder is the label."""

    unlabelled: bool = False  # samples outside of class folders are listed too, with an empty label

    def accepts(self, path: Path) -> bool:
        return path.is_dir()

    def read(self, path: Path, options: LoadOptions) -> Listing:
        """List the samples under `path`; raises `RequestError` where the root cannot be read or is a run itself."""
        if is_made_by_graft(path):
            raise RequestError(
                f"{path} is a run or an artifact of graft, not data. Expected a folder with one sub-folder per class."
            )
        task = CLASSES if options.task is None else task_of(options.task)
        return _Walk(path, kind_in(path), task, self.unlabelled).run()


def kind_in(folder: Path) -> Modality:
    """The kind of most of the first files below a folder; pictures where there are none."""
    counts = dict.fromkeys(MODALITIES, 0)
    for file in islice(Walk().files(folder), LOOKED_AT):
        for kind in MODALITIES.values():
            counts[kind.name] += file.suffix.lower() in kind.suffixes
    most = max(counts, key=lambda name: counts[name])
    return MODALITIES[most] if counts[most] else IMAGE


class _Walk:
    def __init__(self, root: Path, modality: Modality, task: Task, unlabelled: bool = False) -> None:
        self.root = root
        self.unlabelled = unlabelled
        self.modality = modality
        self.found = Listing(root, modality, task=task)
        self.foreign: dict[str, list[str]] = defaultdict(list)  # suffix -> sources of other kinds of file
        self.loops: list[str] = []
        self.made: list[str] = []  # folders of runs and artifacts
        self.hidden = 0
        self.empty: list[str] = []
        self.unspeakable: list[str] = []  # names that cannot be written down everywhere
        self.written: dict[str, set[str]] = defaultdict(set)  # class -> the ways in which folders write its name

    def run(self) -> Listing:
        folders = self._folders_of(self.root)
        parts = {folder: PART_NAMES[folder.name.lower()] for folder in folders if folder.name.lower() in PART_NAMES}
        if parts and len(parts) == len(folders) and "train" not in parts.values():
            names = ", ".join(folder.name for folder in folders)
            raise DataError(
                self.root, [f"There is no train folder beside {names}. Add one, with one sub-folder per class in it."]
            )
        if "train" in parts.values() and not self._are_classes(folders, parts):
            self._with_parts(folders, parts)
        else:
            self._classes(self.root, folders, None)
        self._report()
        return self.found

    def _are_classes(self, folders: list[Path], parts: dict[Path, Part]) -> bool:
        """Whether folders called train or test are classes (of vehicles, say): beside others, without sub-folders."""
        return len(folders) > len(parts) and not any(self._folders_of(folder) for folder in parts)

    def _folders_of(self, folder: Path) -> list[Path]:
        try:
            inside = [(entry, entry.is_dir()) for entry in sorted(folder.iterdir())]
        except OSError as error:
            raise RequestError(
                f"The folder {folder} cannot be read ({(error.strerror or str(error)).lower()}). "
                f"Give yourself permission to read it, for example with: chmod -R u+rX '{folder}'"
            ) from error
        folders = [entry for entry, is_folder in inside if is_folder and not entry.name.startswith(".")]
        made = [entry for entry in folders if is_made_by_graft(entry)]
        self.made += [name for entry in made if (name := self._relative(entry)) not in self.made]
        return [entry for entry in folders if entry not in made]

    def _with_parts(self, folders: list[Path], parts: dict[Path, Part]) -> None:
        others = [folder.name for folder in folders if folder not in parts]
        if others:
            message = f"{plural(len(others), 'folder')} beside train, val and test will not be used: {listing(others)}."
            self.found.findings.append(Finding("beside-parts", "warning", message, tuple(others)))
        for folder, part in parts.items():
            self._classes(folder, self._folders_of(folder), part)

    def _classes(self, parent: Path, folders: list[Path], part: Part | None) -> None:
        loose = 0
        for entry in sorted(parent.iterdir()):
            if entry.is_file() and self.unlabelled:
                self._file(entry, "", part)
            elif entry.is_file() and not entry.name.startswith("."):
                if not is_utf8(entry.name):
                    self._unspeakable(entry)
                elif entry.suffix.lower() in self.modality.suffixes:
                    loose += 1
                else:
                    self.foreign[entry.suffix.lower()].append(self._relative(entry))
        if loose:
            where = self._relative(parent) if parent != self.root else "the folder itself"
            self.found.problems.append(
                f"{plural(loose, self.modality.noun)} directly in {where}, where only class folders are expected. "
                "Move each into the folder of its class: its folder's name is its label."
            )
        for folder in folders:
            label = unicodedata.normalize("NFC", folder.name)  # macOS writes the same name in another way
            self.written[label].add(folder.name)
            before = len(self.found.entries)
            walk = Walk(above=(self.root, parent))
            for file in walk.files(folder):
                self._file(file, label, part)
            if len(self.found.entries) == before and not walk.made:
                self.empty.append(self._relative(folder))
            self.hidden += walk.hidden
            self.made += [self._relative(one) for one in walk.made]
            self.loops += [self._relative(link) for link in walk.circles]
            self._closed(walk.closed)

    def _file(self, file: Path, label: str, part: Part | None) -> None:
        inside = [part for part in file.relative_to(self.root).parts if unicodedata.normalize("NFC", part) != label]
        if not is_utf8(self._relative(file)) or not all(map(is_plain, inside)):
            self._unspeakable(file)
        elif file.name.startswith(".") or file.name in {"Thumbs.db", "desktop.ini"}:
            self.hidden += 1
        elif file.suffix.lower() in self.modality.suffixes:
            self.found.entries.append(Entry(self._relative(file), label, part))
        else:
            self.foreign[file.suffix.lower()].append(self._relative(file))

    def _unspeakable(self, path: Path) -> None:
        name = self._relative(path)
        self.unspeakable.append(visible(name) if is_utf8(name) else name.encode("ascii", "replace").decode())

    def _closed(self, folders: dict[Path, str]) -> None:
        for folder, reason in folders.items():
            self.found.problems.append(
                f"The folder {self._relative(folder)} cannot be read ({reason}). Give yourself permission to read "
                f"it (chmod -R u+rX '{folder}'), or move it out of the data."
            )

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _report(self) -> None:
        for suffix, sources in sorted(self.foreign.items()):
            kind = f"{suffix} files" if suffix else "files without an ending"
            message = f"{plural(len(sources), 'file')} left out: graft reads no {kind} as {self.modality.noun}s."
            self.found.findings.append(Finding("other-kind", "warning", message, tuple(sources)))
        if self.unspeakable:
            verb = "name is" if len(self.unspeakable) == 1 else "names are"
            message = (
                f"{len(self.unspeakable):,} {verb} not valid UTF-8 or not one line of plain characters, so these files "
                "are left out: "
                f"{listing(self.unspeakable)}. Rename them or their folders, so that every system can write them down."
            )
            self.found.findings.append(Finding("unspeakable", "warning", message, tuple(self.unspeakable)))
        twofold = [label for label, ways in self.written.items() if len(ways) > 1]
        if twofold:
            names = listing(twofold)
            message = f"Folders of one name, written with composed and with separate accents, are one class: {names}."
            self.found.findings.append(Finding("same-name", "warning", message, tuple(twofold)))
        if self.empty and self.found.entries:
            message = f"{plural(len(self.empty), 'folder')} without any {self.modality.noun}: {listing(self.empty)}."
            message = message.encode("utf-8", "replace").decode()
            self.found.findings.append(Finding("empty-folder", "warning", message))
        if self.loops:
            links = f"{plural(len(self.loops), 'link')}: {listing(self.loops)}"
            message = f"Not followed, because they lead to a folder above or one already read: {links}."
            self.found.findings.append(Finding("link-loop", "warning", message, tuple(self.loops)))
        if self.made:
            message = (
                f"{plural(len(self.made), 'folder')} made by graft passed over (what lies in runs and artifacts is no "
                f"sample): {listing(self.made)}."
            )
            self.found.findings.append(Finding("made-by-graft", "warning", message, tuple(self.made)))
        if self.hidden:
            message = f"{plural(self.hidden, 'hidden item')} passed over (names that begin with a dot, Thumbs.db)."
            self.found.findings.append(Finding("hidden", "info", message))
        if not self.found.entries and not self.found.problems:
            raise DataError(self.root, [self._nothing()], [finding.message for finding in self.found.findings])

    def _nothing(self) -> str:
        noun = self.modality.noun
        suffixes = ", ".join(sorted(suffix.lstrip(".") for suffix in self.modality.suffixes - self.modality.told))
        tables = [name for one in TABLES for name in self.foreign.get(one, [])]
        return (
            f"No {noun}s found. Expected one sub-folder per class with {noun}s in it (endings: {suffixes}), or train/ "
            "val/ test/ folders of such folders."
            + (f" It holds tables: to use one, name it ({listing(tables, 3)})." if tables else "")
        )
