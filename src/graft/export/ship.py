"""One artifact on its way: written beside its place, compared, and let in only where it passed."""

import dataclasses
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from graft.errors import WorkError
from graft.export.artifact import describe, is_artifact, seal
from graft.export.golden import Golden, write_golden
from graft.export.parity import Check, Parity
from graft.export.target import Material, Target, Variant
from graft.progress import Watch
from graft.records import Json
from graft.storage import explain, free_name, write_json

LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class Shipped:
    """One artifact, or why there is none. `parity` is None where its runtime does not run here."""

    variant: Variant
    folder: Path | None
    megabytes: float
    parity: Parity | None
    error: str = ""


@dataclass(frozen=True)
class Work:
    """What all artifacts of one command share: material, samples to compare on and to give away, what is written."""

    material: Material
    check: Check
    golden: Golden
    name: str
    accuracy: Json | None  # that the run knows
    watch: Watch


def ship(work: Work, target: Target, variant: Variant, place: Path, figures: Path) -> Shipped:
    """Write one artifact, compare it, and let it in only where it passed; else `figures` says why."""
    model, check = work.material.model, work.check
    with unfinished(place) as fresh:
        try:
            with work.watch.task(f"Writing {target.name} ({variant})", 1, "file") as advance:
                target.write(work.material, variant, fresh)
                advance(1)
        except WorkError as error:
            return Shipped(variant, None, 0, None, str(error))
        megabytes = size_of(fresh, target.companions)
        parity = check.compare(target.open(fresh), variant, target.whole, megabytes) if target.verifiable else None
        if parity is not None and not parity.passed:
            write_json(figures, dataclasses.asdict(parity))
            told = f"{target.name} ({variant}) is not shipped. {' '.join(parity.faults)} See {figures}."
            return Shipped(variant, None, megabytes, parity, told)
        write_golden(model, work.golden, fresh, target.whole)
        manifest = describe(model, target, variant, work.name, work.accuracy)
        seal(fresh, model, target, {**manifest, "golden": work.golden.origin}, parity)
        settle(fresh, place)
        figures.unlink(missing_ok=True)
    return Shipped(variant, place, megabytes, parity)


def settle(fresh: Path, place: Path) -> None:
    """Put what is finished into its place; what was there moves aside, and only now that there is something better."""
    try:
        if is_artifact(place):
            place.rename(free_name(place.with_name(f"{place.name}.old")))
        fresh.rename(place)
    except OSError as error:
        raise WorkError(f"Could not put the artifact into {place}: {explain(error)}") from error


def size_of(folder: Path, without: Sequence[str] = ()) -> float:
    """Megabytes of all files below a folder but for those named."""
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file() and one.name not in without) / 1e6


@contextmanager
def unfinished(place: Path) -> Iterator[Path]:
    """A folder beside `place` that is gone afterwards, whatever happens; one that a crash left half-written goes too.

    Its parent is this process's own and held by a lock, so that two exports into one place do not meet in it.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        for left in place.parent.glob(f".{place.name}.unfinished-*"):
            _remove_if_left(left)
        own = Path(tempfile.mkdtemp(prefix=f".{place.name}.unfinished-", dir=place.parent))
    except OSError as error:
        raise WorkError(f"Could not make the folder {place}: {explain(error)}") from error
    try:
        with FileLock(own / LOCK):
            fresh = own / place.name
            fresh.mkdir()
            yield fresh
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _remove_if_left(own: Path) -> None:
    """Remove what an export that is no more left behind."""
    if not (own / LOCK).exists():  # another process makes it just now, or removes it
        return
    with suppress(Timeout, OSError), FileLock(own / LOCK, blocking=False):
        shutil.rmtree(own, ignore_errors=True)
