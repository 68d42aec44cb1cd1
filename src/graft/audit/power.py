"""What an audit can find out on so many samples, told before anything is trained."""

from graft.audit.compare import LEAST_SAMPLES
from graft.errors import RequestError, plural
from graft.ranking.rank_estimate import needed_samples

USUAL_DISCORDANCE = 0.1  # share of samples that one arm gets right and the other wrong; an assumption
WORTH_SEEING = (0.10, 0.05)  # differences of accuracy for which the number of samples is told


def refuse_too_few(samples: int, noun: str, part: str) -> None:
    """Raise `RequestError` where no result, however clear, would be a verdict; `part` names what judges."""
    if samples >= LEAST_SAMPLES:
        return
    raise RequestError(
        f"TOO FEW: {part} has {plural(samples, noun)}, and an audit gives no verdict on fewer than {LEAST_SAMPLES}, "
        f"however clear its result. Nothing was trained, and the test part was not read. {_needed()} Add labelled "
        f"{noun}s and run graft fit again."
    )


def foresight(samples: int, noun: str, seconds: float, at_least: bool) -> str:
    """What will be seen on enough samples, and how long training from scratch alone takes."""
    points = 100 * smallest_difference(samples)
    most = "at least about" if at_least else "up to"
    return (
        f"{plural(samples, noun)} judge: a difference below about {points:.0f} points will hardly be told from none "
        f"(80% power where two arms differ on {100 * USUAL_DISCORDANCE:.0f}% of them), and then the answer is "
        f"INCONCLUSIVE. {_needed()} Training from scratch takes {most} {_long(seconds)}; the other arms come on top."
    )


def smallest_difference(samples: int) -> float:
    """The difference of accuracy that so many samples show with 80% power at 5%: `needed_samples` turned round."""
    low, high = 1e-4, USUAL_DISCORDANCE
    if needed_samples(USUAL_DISCORDANCE, high) > samples:  # more than all that differ
        return high
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if needed_samples(USUAL_DISCORDANCE, middle) <= samples else (middle, high)
    return high


def _needed() -> str:
    told = [f"{needed_samples(USUAL_DISCORDANCE, gap):,} for {100 * gap:.0f} points" for gap in WORTH_SEEING]
    return f"About {' and '.join(told)} are needed."


def _long(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} minutes"
