"""What a person sees in a terminal: progress bars, tables and sentences. Results go to stdout, all else to stderr."""

from graft.terminal.audit import show_audited
from graft.terminal.console import Terminal, err, escape, out, point_to, print_json
from graft.terminal.data import show_cache, show_dataset, show_findings, show_models
from graft.terminal.export import show_exported
from graft.terminal.features import show_embedded, show_found
from graft.terminal.host import show_hosted
from graft.terminal.licences import show_licences
from graft.terminal.models import show_demo, show_evaluated, show_evaluation, show_fitted, show_predictions
from graft.terminal.ranking import show_history, show_ranking
from graft.terminal.transcripts import show_transcriptions

__all__ = [
    "Terminal",
    "err",
    "escape",
    "out",
    "point_to",
    "print_json",
    "show_audited",
    "show_cache",
    "show_dataset",
    "show_demo",
    "show_embedded",
    "show_evaluated",
    "show_evaluation",
    "show_exported",
    "show_findings",
    "show_fitted",
    "show_found",
    "show_history",
    "show_hosted",
    "show_licences",
    "show_models",
    "show_predictions",
    "show_ranking",
    "show_transcriptions",
]
