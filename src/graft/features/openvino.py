"""The fast engine on a CPU: the trunk as an OpenVINO graph, compiled once per precision, checked against torch."""

import hashlib
import json
import logging
import queue
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from graft.backbones import Backbone
from graft.errors import WorkError
from graft.features.engine import (
    EXACT_COSINE,
    FAST_COSINE,
    Agreement,
    Wanted,
    below_each_other,
    entered,
    torch_features,
)
from graft.machine import usable_cores
from graft.modalities.modality import Prepared
from graft.modalities.table import modality_of
from graft.storage import sha256_of, write_bytes, write_json
from graft.telemetry import without_telemetry

if TYPE_CHECKING:
    import openvino

GRAPH, CONSTANTS, AGREEMENT = "trunk.xml", "trunk.bin", "agreement.json"
PRECISIONS = ("bf16", "f32")
TOGETHER = 32  # texts of equal length in one pass
MOST_AGREEMENTS = 64  # of as many sets of samples as are remembered beside a graph
VERSION = 1  # of the conversion: raise it when the same trunk may become another graph


class OpenVINOEngine:
    """On every core by itself: each stream has one thread.

    Samples of one fixed shape go one at a time, so that a row never depends on its neighbours; texts of equal length
    go together, because a single short one cannot keep a core busy. The requests and their buffers are made once, up
    front. Handing arrays to a request while others run makes OpenVINO 2026.4 deadlock now and then (3 of 20 starts with
    four threads); filling buffers that it already owns did not in 60 starts. One request has run before any thread sees
    the engine: see `_Request.first_use`.
    """

    def __init__(self, graph: "openvino.Model", precision: str) -> None:
        without_telemetry()
        import openvino

        cores = usable_cores()
        self.name = f"openvino-{precision}-{openvino.__version__.partition('-')[0]}.{VERSION}"
        self.workers = 2 * cores  # while one waits for its turn another decodes
        settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "NUM_STREAMS": str(cores),
            "INFERENCE_NUM_THREADS": str(cores),
        }
        compiled = openvino.Core().compile_model(graph, "CPU", settings)
        self.batch_size = 1 if graph.inputs[0].partial_shape.is_static else TOGETHER
        self._idle: queue.SimpleQueue[_Request] = queue.SimpleQueue()
        requests = [_Fixed(compiled) if self.batch_size == 1 else _Varying(compiled) for _ in range(self.workers)]
        requests[0].first_use()
        for request in requests:
            self._idle.put(request)

    def run(self, batch: Prepared) -> NDArray[np.float32]:
        request = self._idle.get()
        try:
            return request.run(batch)
        finally:
            self._idle.put(request)


class _Request(Protocol):
    def run(self, batch: Prepared) -> NDArray[np.float32]:
        """Features of samples of one shape."""

    def first_use(self) -> None:
        """Use every binding that `run` uses once, in the thread that makes the engine.

        The first use of some of them makes a static object under a lock of C++, in the middle of which the interpreter
        may change threads; two threads that meet there wait for each other for ever (pybind11 issue 4877).
        """


class _Fixed:
    """One sample at a time through buffers that are made once."""

    def __init__(self, compiled: Any) -> None:
        without_telemetry()
        import openvino

        self.request = compiled.create_infer_request()
        self.sample = np.zeros(list(compiled.input(0).shape), compiled.input(0).element_type.to_dtype())
        self.features = np.zeros(list(compiled.output(0).shape), np.float32)  # (1, width)
        self.request.set_input_tensor(openvino.Tensor(self.sample, shared_memory=True))
        self.request.set_output_tensor(openvino.Tensor(self.features, shared_memory=True))

    def run(self, batch: Prepared) -> NDArray[np.float32]:
        rows = []
        for row in batch:
            self.sample[0] = row
            self.request.start_async()
            self.request.wait()
            rows.append(self.features[0].copy())
        return np.stack(rows)

    def first_use(self) -> None:
        self.run(self.sample)


class _Varying:
    """Samples of any one shape at once, through tensors that the request owns and reshapes."""

    def __init__(self, compiled: Any) -> None:
        self.request = compiled.create_infer_request()

    def run(self, batch: Prepared) -> NDArray[np.float32]:
        entry = self.request.get_input_tensor()
        entry.shape = list(batch.shape)
        entry.data[:] = batch
        self.request.start_async()
        self.request.wait()
        features: NDArray[np.float32] = np.array(self.request.get_output_tensor().data, np.float32)
        return features

    def first_use(self) -> None:
        """Without a sample nothing can be computed; all but that happens."""
        entry = self.request.get_input_tensor()
        entry.shape = [1] * len(entry.shape)
        entry.data[:] = 0
        np.array(self.request.get_output_tensor().data, np.float32)


def openvino_engine(
    backbone: Backbone, wanted: Wanted, samples: Sequence[Prepared], folder: Path
) -> OpenVINOEngine | None:
    """An engine that agrees with torch on these samples, or None; graph and agreements are kept in `folder`.

    Each set of samples is judged by itself, whatever was judged before: the precision that a data set gets must not
    depend on the history of the cache. An exact engine takes any kept agreement, for single precision does not
    depend on the samples.
    """
    kept = _read(folder)
    graph, agreements = kept or (convert(backbone), {})
    sample = hashlib.sha256(b"".join(one.tobytes() for one in samples)).hexdigest()
    if sample not in agreements and (wanted == "fast" or not agreements):
        agreements = dict([*agreements.items()][1 - MOST_AGREEMENTS :])
        agreements[sample] = measure(backbone, graph, samples)
        with suppress(WorkError, OSError, RuntimeError):  # an unwritable cache costs the time of another conversion
            _keep(folder, None if kept else graph, agreements)
    precision = choose(agreements.get(sample) or next(iter(agreements.values())), wanted)
    return OpenVINOEngine(graph, precision) if precision else None


def choose(agreement: dict[str, Agreement], wanted: Wanted) -> str | None:
    """The fastest precision that agrees well enough: bf16 only where speed is wanted."""
    if wanted == "fast" and "bf16" in agreement and agreement["bf16"].mean >= FAST_COSINE:
        return "bf16"
    return "f32" if agreement["f32"].mean >= EXACT_COSINE else None


def convert(backbone: Backbone) -> "openvino.Model":
    """The trunk as a graph from prepared samples to features, through torch.export.

    This calls OpenVINO's frontend itself because `openvino.convert_model` reports usage over the network.
    """
    import torch

    without_telemetry()
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.fx_decoder import TorchFXPythonDecoder

    modality, preprocess = modality_of(backbone.card.modality), backbone.card.preprocess
    shape = modality.shape(preprocess)
    varying = [place for place, size in enumerate(shape, 1) if size is None]
    example = torch.from_numpy(np.stack([modality.example(preprocess)] * (2 if varying else 1)))
    dynamic = ({0: torch.export.Dim.DYNAMIC, **dict.fromkeys(varying, torch.export.Dim.DYNAMIC)},) if varying else None
    with torch.no_grad(), _quiet_root_logger():
        program = torch.export.export(entered(backbone), (example,), dynamic_shapes=dynamic)
        frontend = FrontEndManager().load_by_framework("pytorch")
        decoder = TorchFXPythonDecoder.from_exported_program(program)  # must outlive the conversion
        graph = frontend.convert(frontend.load(decoder))
    graph.reshape([-1 if varying else 1, *(-1 if size is None else size for size in shape)])
    return graph


def measure(backbone: Backbone, graph: "openvino.Model", samples: Sequence[Prepared]) -> dict[str, Agreement]:
    """How well the graph agrees with torch, for each precision that this processor computes in."""
    without_telemetry()
    import openvino

    has_bf16 = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    reference = torch_features(backbone, samples)

    def computed(engine: OpenVINOEngine) -> NDArray[np.float32]:
        return below_each_other([engine.run(sample[None]) for sample in samples], backbone.card.width)

    return {
        precision: Agreement.between(computed(OpenVINOEngine(graph, precision)), reference)
        for precision in PRECISIONS
        if precision == "f32" or has_bf16
    }


def _keep(folder: Path, graph: "openvino.Model | None", agreements: dict[str, dict[str, Agreement]]) -> None:
    """Write the agreements, and before them the graph where it is new."""
    without_telemetry()
    import openvino

    if graph is not None:
        with tempfile.TemporaryDirectory() as scratch:
            openvino.serialize(graph, Path(scratch) / GRAPH, Path(scratch) / CONSTANTS)
            for name in (GRAPH, CONSTANTS):
                write_bytes(folder / name, (Path(scratch) / name).read_bytes())
    checksums = {name: sha256_of(folder / name) for name in (GRAPH, CONSTANTS)}
    figures = {sample: {key: asdict(value) for key, value in found.items()} for sample, found in agreements.items()}
    described = {"version": VERSION, "openvino": openvino.__version__}
    write_json(folder / AGREEMENT, {**described, "sha256": checksums, "agreements": figures})


def _read(folder: Path) -> "tuple[openvino.Model, dict[str, dict[str, Agreement]]] | None":
    """What was kept, if it is whole and of this version."""
    without_telemetry()
    import openvino

    try:
        described = json.loads((folder / AGREEMENT).read_text())
        whole = all(sha256_of(folder / name) == described["sha256"][name] for name in (GRAPH, CONSTANTS))
        present = (described["version"], described["openvino"]) == (VERSION, openvino.__version__)
        if not present or not whole:
            return None
        agreements = {
            sample: {key: Agreement(float(value["mean"]), float(value["least"])) for key, value in found.items()}
            for sample, found in described["agreements"].items()
        }
        return openvino.Core().read_model(folder / GRAPH), agreements
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError):  # damaged: converted anew
        return None


@contextmanager
def _quiet_root_logger() -> Iterator[None]:
    """OpenVINO's decoder warns the root logger of operators that this network does not have."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
