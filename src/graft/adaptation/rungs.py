"""The rungs of the ladder as a table: how each made its network, how it goes on with all samples, how it is audited."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from graft.adaptation.defaults import full_plan, partial_plan
from graft.adaptation.strategy import Full, Partial, Probe, Strategy
from graft.backbones import Backbone
from graft.errors import RequestError
from graft.training.plan import Plan, PlanChanges

ON_STAGES = "b"  # behind the name of a rung: a head that looks at several stages of what that rung made


@dataclass(frozen=True, slots=True)
class RungKind:
    """How one rung makes a network.

    `strategy` alone makes such a network from a backbone, which is what an audit repeats. `finish` goes on with it on
    all samples, from a stage on where the network is cut; None where only its head is fitted again.
    """

    strategy: Callable[[], Strategy]
    finish: Callable[[Backbone, int | None, PlanChanges], Strategy] | None = None


def _contrastive() -> Strategy:
    from graft.adaptation.contrastive import Contrastive  # needs torch

    return Contrastive()


def _last_stages(backbone: Backbone, cut: int | None, changes: PlanChanges) -> Strategy:
    return Partial(from_stage=cut, plan=_shortened(changes.on(partial_plan(backbone))))


def _all_stages(backbone: Backbone, cut: int | None, changes: PlanChanges) -> Strategy:
    return Full(_shortened(changes.on(full_plan(backbone))))


def _shortened(plan: Plan) -> Plan:
    """A quarter of the course at half the rates."""
    return replace(
        plan,
        epochs=plan.epochs / 4,
        least_steps=plan.least_steps // 4,
        learning_rate=plan.learning_rate / 2,
        head_learning_rate=plan.head_learning_rate / 2,
    )


RUNGS: dict[str, RungKind] = {
    "1": RungKind(Probe),
    "1p": RungKind(_contrastive),
    "2": RungKind(Partial, _last_stages),
    "3": RungKind(Full, _all_stages),
    "4": RungKind(Full, _all_stages),  # the mean of several trainings
}


def rung_kind(name: str) -> RungKind:
    """The rung of this name, or the one beneath a head on several stages; raises `RequestError` for an unknown one."""
    trained = name.removesuffix(ON_STAGES)
    if trained not in RUNGS:
        raise RequestError(f"The model was made by rung {name!r}, which this graft does not know. It knows: {known()}.")
    return RUNGS[trained]


def known() -> str:
    """The names of all rungs, for a message."""
    return ", ".join(RUNGS)
