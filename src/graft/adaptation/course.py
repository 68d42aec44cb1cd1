"""The stages that a fit goes through, by effort, so that a person can be told where the whole stands."""

from graft.progress import Stage

PROBE = "probe"
BASELINE = "baseline"
SEVERAL = "probe on several stages of the network"
PAIRS = "contrastive pairs"
LAST = "the last stages of the network"
RATES = "learning rates"
ALL = "all stages of the network"
AVERAGE = "the average of trainings"
AFTER = "head on several stages of what was trained"
FINAL = "all samples"
SPELLING, LETTERS_LAST, LETTERS_ALL = "the head", "the last stages", "all stages but the first"

CLASSES = {
    "quick": (PROBE,),
    "good": (PROBE, BASELINE, SEVERAL, PAIRS, LAST, AFTER, FINAL),
    "best": (PROBE, BASELINE, SEVERAL, PAIRS, RATES, ALL, AVERAGE, AFTER, FINAL),
}
LETTERS = {
    "quick": (SPELLING, FINAL),
    "good": (SPELLING, LETTERS_LAST, FINAL),
    "best": (SPELLING, LETTERS_LAST, LETTERS_ALL, FINAL),
}


def stage_of(course: tuple[str, ...], title: str, limit: float | None, estimate: float | None = None) -> Stage:
    """The stage of a course that begins now; `limit` is what is left of the time that somebody allowed, if any.

    `estimate` is how long this stage and all later ones will take, where that was measured.
    """
    number = course.index(title) + 1
    if limit is not None and (estimate is None or limit < estimate):
        return Stage(number, len(course), title, limit, at_most=True)
    return Stage(number, len(course), title, estimate)
