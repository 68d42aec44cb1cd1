"""graft rank: which pretrained network will serve this data best."""

from graft.data import Dataset, load
from graft.data.in_memory import Data
from graft.data.refusal import refuse_unserved
from graft.progress import SILENT, Watch
from graft.ranking.ranker import Ranker, RankOptions, check
from graft.records import Ranking


def rank(data: Data | Dataset, options: RankOptions | None = None, watch: Watch = SILENT) -> Ranking:
    """Compare pretrained networks on labelled samples by frozen probes on the same folds; the test part is not read.

    `data` is what `graft.load` takes or gives. Each sample goes through each network at most once. Raises
    `RequestError` for options out of range or where no candidate remains, with what became of each.
    """
    options = options or RankOptions()
    check(options)
    dataset = data if isinstance(data, Dataset) else load(data, options.load, watch)
    refuse_unserved(dataset, "rank")
    return Ranker(dataset, options, watch).rank()
