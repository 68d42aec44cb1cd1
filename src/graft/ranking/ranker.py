"""Which pretrained network will serve this data best, before anything is trained."""

import time
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from graft.backbones import Backbone
from graft.backbones.catalogue import prior_of
from graft.backbones.packaged import installed
from graft.data import Dataset, LoadOptions
from graft.errors import GraftError, RequestError, WorkError, listing, plural
from graft.features import extract
from graft.features.cache import DEFAULT_GB
from graft.heads.folds import make_folds, stratified_rank
from graft.heads.probe import LEAST_VAL, MOST_FOLDED
from graft.progress import Watch
from graft.ranking.candidates import Candidate, Limits, open_candidates
from graft.ranking.choice import Choice, choose
from graft.ranking.duplicates import merge_near_duplicates
from graft.ranking.evidence import Evidence, gather_evidence
from graft.ranking.expectation import expect
from graft.ranking.history import read_history
from graft.ranking.rank_estimate import RankEstimate, estimate_ranks, order
from graft.records import PARTS, Json, Ranked, Ranking

FIRST = 400  # samples on which many candidates are first compared
GROWTH = 3  # how many times more samples the survivors get
FEW = 4  # candidates that are compared on all samples at once
MOST_RACING = 3


@dataclass(frozen=True, slots=True)
class RankOptions:
    """Which candidates are considered, and how long it may take.

    Without `backbones` they are those whose weights are installed. `race` trains the last stages of at most three
    that cannot be told apart.
    """

    backbones: tuple[str, ...] = ()
    load: LoadOptions = LoadOptions()
    limits: Limits = Limits()
    minutes: float | None = None
    race: bool = False
    cache_gb: float = DEFAULT_GB


@dataclass
class Ranker:
    """The candidates that are still in the running, and why the others are not."""

    dataset: Dataset
    options: RankOptions
    watch: Watch
    began: float = field(default_factory=time.perf_counter)
    left_out: dict[str, str] = field(default_factory=dict)

    def rank(self) -> Ranking:
        self._choose_rows()
        running = self._open()
        self._expect([one.name for one in running])
        self._deal(running[0])
        fallen: list[Candidate] = []
        for positions in self._rounds(len(running)):
            running = self._score(running, positions)
            if running and len(positions) < len(self.rows):
                running, behind = self._halve(running, positions)
                fallen += behind
        if not running:
            raise RequestError(f"No candidate could be compared. {self._reasons()}")
        everything = np.arange(len(self.rows))
        estimates = self._estimate(running, everything)
        names = [one.name for one in running]
        groups = self._judged_groups(everything)
        choice = choose(names, [one.known for one in running], estimates, [one.milliseconds for one in running], groups)
        race: tuple[Json, ...] = ()
        if self.options.race and choice.open and not self._is_late():
            choice, race = self._race(running, estimates, choice)
        ranked = [self._ranked(running[number], estimates[number]) for number in order(estimates)]
        return Ranking(
            chosen=names[choice.number],
            why=choice.why,
            candidates=(*ranked, *self._behind(fallen)),
            left_out=self.left_out,
            judged_on=self.judged_on,
            judged=len(running[0].known.right),
            needed=choice.needed,
            regime=self.outlook.regime,
            race=race,
            noun=self.dataset.modality.noun,
        )

    def _choose_rows(self) -> None:
        """The samples that networks are compared on: train and val, thinned out in proportion where there are many."""
        rows = self.dataset.rows("train", "val")
        if len(rows) > MOST_FOLDED:
            places = stratified_rank(self.dataset.labels[rows], self.options.load.seed)
            rows = rows[np.sort(np.argsort(places, kind="stable")[:MOST_FOLDED])]
        self.rows, self.labels = rows, self.dataset.labels[rows]
        self.groups = self.dataset.group_numbers(rows)

    def _deal(self, first: Candidate) -> None:
        """The folds that all candidates share: a val part that the user kept apart judges, else cross-validation.

        In cross-validation what the first candidate sees as near duplicates shares a fold.
        """
        val = self.dataset.parts[self.rows] == PARTS.index("val")
        apart = self.dataset.split == "given" and int(val.sum()) >= LEAST_VAL
        self.judged_on = "val" if apart else "cross-validation"
        if apart:
            self.folds = np.where(val, 0, -1).astype(np.int32)[None]
            return
        seed = self.options.load.seed
        try:
            found = extract(self.dataset, self.rows, first.backbone, self.watch, self.options.cache_gb)
            merged = self.groups if found.unreadable else merge_near_duplicates(found.matrix, self.groups)
        except GraftError:  # it will be left out, with its reason
            merged = self.groups
        self.folds = make_folds(self.labels, merged, seed)
        if (self.folds[0] >= 0).any():
            self.groups = merged
        else:  # too much is alike to keep apart
            self.folds = make_folds(self.labels, self.groups, seed)
        if not (self.folds[0] >= 0).any():
            raise RequestError("Nothing can be held out to compare networks on: no class has two samples.")

    def _open(self) -> list[Candidate]:
        names = self.options.backbones or installed(self.dataset.modality.name)
        if not names:
            raise RequestError("No pretrained weights are installed. Name candidates: graft rank DATA --backbone ID")

        wanted = list(dict.fromkeys(names))
        found, self.left_out = open_candidates(wanted, self.options.limits, self.dataset, self.rows, self.watch)
        if not found:
            raise RequestError(f"No candidate is left. {self._reasons()}")
        return found

    def _rounds(self, candidates: int) -> list[NDArray[np.intp]]:
        """Which samples each round looks at: few at first where there are many candidates, all at last."""
        sizes = []
        size = FIRST
        while candidates > FEW and size * GROWTH <= len(self.rows):
            sizes.append(size)
            size *= GROWTH
        places = np.argsort(stratified_rank(self.labels, self.options.load.seed), kind="stable")
        judged = self.folds[0] >= 0 if self.judged_on == "val" else np.zeros(len(self.rows), np.bool_)
        parts = [np.union1d(places[:size], np.flatnonzero(judged)) for size in sizes]
        return [*parts, np.arange(len(self.rows))]

    def _score(self, running: list[Candidate], positions: NDArray[np.intp]) -> list[Candidate]:
        """Evidence of each candidate on these samples; those that fail, or come too late, are left out."""
        scored: list[Candidate] = []
        for candidate in running:
            name = candidate.name
            if scored and self._is_late():
                self.left_out[name] = f"the time was over before it was compared on {len(positions):,} samples"
                continue
            try:
                candidate.evidence = self._evidence(candidate.backbone, positions)
            except (GraftError, ValueError) as error:
                self.left_out[name] = str(error)
                continue
            candidate.samples = len(positions)
            scored.append(candidate)
        return scored

    def _evidence(self, backbone: Backbone, positions: NDArray[np.intp]) -> Evidence:
        features = extract(self.dataset, self.rows[positions], backbone, self.watch, self.options.cache_gb)
        if features.unreadable:
            broken = listing([self.dataset.sources[row] for row in features.unreadable], 3)
            raise WorkError(
                f"{plural(len(features.unreadable), self.dataset.modality.noun)} cannot be read any more: {broken}."
            )
        labels, folds = self.labels[positions], self.folds[:, positions]
        with self.watch.task(f"Scoring {backbone.card.id}", 1, "network") as advance:
            answers = _source_answers(backbone, features.matrix)
            found = gather_evidence(features.matrix, labels, len(self.dataset.classes), folds, answers)
            advance(1)
        return found

    def _halve(self, running: list[Candidate], positions: NDArray[np.intp]) -> tuple[list[Candidate], list[Candidate]]:
        """The half of which more is expected, and what fell behind."""
        estimates = self._estimate(running, positions)
        ranked = order(estimates)
        keep = max(FEW, len(running) // 2)
        return [running[number] for number in ranked[:keep]], [running[number] for number in ranked[keep:]]

    def _estimate(self, running: list[Candidate], positions: NDArray[np.intp]) -> list[RankEstimate]:
        groups, folds = self._judged_groups(positions), int(self.folds[0].max()) + 1
        outlook = self.outlook.of([self.places[one.name] for one in running])
        return estimate_ranks([one.known for one in running], outlook, groups, self.options.load.seed, folds)

    def _judged_groups(self, positions: NDArray[np.intp]) -> NDArray[np.intp] | None:
        judged = self.folds[0, positions] >= 0
        return None if self.groups is None else self.groups[positions][judged]

    def _expect(self, names: list[str]) -> None:
        """What is known of the candidates before they are judged."""
        data = self.dataset
        self.outlook = expect(names, read_history(), data.modality.name, data.fingerprint)
        self.places = {name: place for place, name in enumerate(names)}

    def _ranked(self, candidate: Candidate, estimate: RankEstimate) -> Ranked:
        evidence = candidate.known
        flags = []
        if evidence.constant:
            flags.append("its features are the same for every sample")
        if candidate.samples < len(self.rows):
            flags.append(f"fell behind on {candidate.samples:,} samples")
        if len(evidence.right) < LEAST_VAL:
            flags.append(f"only {len(evidence.right)} samples judged it")
        return Ranked(
            id=candidate.name,
            frozen=estimate.frozen,
            fine_tuned=estimate.fine_tuned,
            best=estimate.best,
            level=estimate.level,
            scores={
                "probe": evidence.accuracy,
                "log_loss": evidence.log_loss,
                "knn": evidence.knn,
                "h_score": evidence.h_score,
                "log_evidence": evidence.log_evidence,
                "nce": evidence.nce,
                "transrate": evidence.transrate,
                "gbc": evidence.gbc,
            },
            prior=prior_of(candidate.name),
            prior_weight=estimate.prior_weight,
            cost=candidate.cost,
            samples=candidate.samples,
            flags=tuple(flags),
        )

    def _behind(self, fallen: list[Candidate]) -> list[Ranked]:
        """What fell behind in an earlier round, best first, with the figures of the few samples it saw."""
        ranked = []
        folds = int(self.folds[0].max()) + 1
        for candidate in sorted(fallen, key=lambda one: -one.known.accuracy):
            alone = estimate_ranks([candidate.known], self.outlook.of([self.places[candidate.name]]), None, 0, folds)[0]
            ranked.append(self._ranked(candidate, replace(alone, best=0.0, level=False)))
        return ranked

    def _race(
        self, running: list[Candidate], estimates: list[RankEstimate], choice: Choice
    ) -> tuple[Choice, tuple[Json, ...]]:
        """Train the leader, the prior's favourite and the cheapest, and take the best (Renggli et al. 2022)."""
        from graft.ranking.trial import trial

        level = [number for number in order(estimates) if estimates[number].level]
        leader = max(level, key=lambda number: estimates[number].posterior)
        favourite = max(level, key=lambda number: prior_of(running[number].name) or 0.0)
        cheapest = min(level, key=lambda number: running[number].milliseconds)
        racing = list(dict.fromkeys([leader, favourite, cheapest]))[:MOST_RACING]
        left = None if self.options.minutes is None else self.began + 60 * self.options.minutes
        entries = trial([running[number].backbone for number in racing], self.dataset, self.options, left, self.watch)
        winner = max(range(len(entries)), key=lambda place: (entries[place]["accuracy"], -racing[place]))
        number = racing[winner]
        beaten = listing([entry["backbone"] for place, entry in enumerate(entries) if place != winner])
        why = f"{entries[winner]['backbone']} won the race on {entries[winner]['samples']:,} samples against {beaten}."
        return replace(choice, number=number, why=why, open=False), tuple(entries)

    def _is_late(self) -> bool:
        minutes = self.options.minutes
        return minutes is not None and time.perf_counter() - self.began > 60 * minutes

    def _reasons(self) -> str:
        return " ".join(f"{name}: {reason.rstrip('.')}." for name, reason in self.left_out.items())


def _source_answers(backbone: Backbone, features: NDArray[np.floating]) -> NDArray[np.intp] | None:
    """Which of its old classes the network sees in each sample; None where it has lost its head."""
    head = backbone.loaded.source_head
    if head is None or head.in_features != features.shape[1]:
        return None
    weight, bias = (value.detach().double().numpy() for value in (head.weight, head.bias))
    answers: NDArray[np.intp] = (np.asarray(features, np.float64) @ weight.T + bias).argmax(axis=1)
    return answers


def check(options: RankOptions) -> None:
    """Raise `RequestError` with all that is out of range."""
    limits = options.limits
    values = (
        ("max_params", limits.max_params, "millions of parameters"),
        ("max_ms", limits.max_ms, "milliseconds"),
        ("max_mb", limits.max_mb, "megabytes"),
        ("minutes", options.minutes, "minutes"),
        ("cache_gb", options.cache_gb, "gigabytes"),
    )
    problems = [
        f"{name} is {value}. Expected a number of {unit} above 0."
        for name, value, unit in values
        if value is not None and not 0 < value < float("inf")
    ]
    if problems:
        raise RequestError("\n".join(problems))
