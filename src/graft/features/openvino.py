"""The fast engine on a CPU: the trunk as an OpenVINO graph, compiled once per precision, checked against torch."""

import hashlib
import json
import logging
import queue
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graft.backbones import Backbone
from graft.errors import WorkError
from graft.features.engine import EXACT_COSINE, FAST_COSINE, Agreement, Wanted, normalised, torch_features
from graft.machine import usable_cores
from graft.storage import sha256_of, write_bytes, write_json

if TYPE_CHECKING:
    import openvino

GRAPH, CONSTANTS, AGREEMENT = "trunk.xml", "trunk.bin", "agreement.json"
PRECISIONS = ("bf16", "f32")
MOST_AGREEMENTS = 64  # of as many sets of pictures as are remembered beside a graph
VERSION = 1  # of the conversion: raise it when the same trunk may become another graph


class OpenVINOEngine:
    """One picture at a time on every core: each stream has one thread, so a row never depends on its neighbours.

    The requests and their buffers are made once, up front. Handing arrays to a request while others run makes
    OpenVINO 2026.4 deadlock now and then (3 of 20 starts with four threads); filling buffers that it already
    owns did not in 60 starts.
    """

    batch_size = 1

    def __init__(self, graph: "openvino.Model", precision: str) -> None:
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
        self._idle: queue.SimpleQueue[tuple[Any, NDArray[np.uint8], NDArray[np.float32]]] = queue.SimpleQueue()
        for _ in range(self.workers):
            request = compiled.create_infer_request()
            picture = np.zeros(list(compiled.input(0).shape), np.uint8)  # (1, crop, crop, 3)
            features = np.zeros(list(compiled.output(0).shape), np.float32)  # (1, width)
            request.set_input_tensor(openvino.Tensor(picture, shared_memory=True))
            request.set_output_tensor(openvino.Tensor(features, shared_memory=True))
            self._idle.put((request, picture, features))

    def run(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        request, picture, features = self._idle.get()
        try:
            rows = []
            for row in batch:
                picture[0] = row
                request.start_async()
                request.wait()
                rows.append(features[0].copy())
        finally:
            self._idle.put((request, picture, features))
        return np.stack(rows)


def openvino_engine(
    backbone: Backbone, wanted: Wanted, pictures: NDArray[np.uint8], folder: Path
) -> OpenVINOEngine | None:
    """An engine that agrees with torch on these pictures, or None; graph and agreements are kept in `folder`.

    Each set of pictures is judged by itself, whatever was judged before: the precision that a data set gets must not
    depend on the history of the cache. An exact engine takes any kept agreement, for single precision does not
    depend on the pictures.
    """
    kept = _read(folder)
    graph, agreements = kept or (convert(backbone), {})
    sample = hashlib.sha256(pictures.tobytes()).hexdigest()
    if sample not in agreements and (wanted == "fast" or not agreements):
        agreements = dict([*agreements.items()][1 - MOST_AGREEMENTS :])
        agreements[sample] = measure(backbone, graph, pictures)
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
    """The trunk as a graph from uint8 pictures to features, through torch.export.

    This calls OpenVINO's frontend itself because `openvino.convert_model` reports usage over the network.
    """
    import torch
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.fx_decoder import TorchFXPythonDecoder

    side = backbone.card.preprocess.crop
    example = torch.zeros(1, side, side, 3, dtype=torch.uint8)
    with torch.no_grad(), _quiet_root_logger():
        program = torch.export.export(normalised(backbone.module, backbone.card.preprocess), (example,))
        frontend = FrontEndManager().load_by_framework("pytorch")
        decoder = TorchFXPythonDecoder.from_exported_program(program)  # must outlive the conversion
        graph = frontend.convert(frontend.load(decoder))
    graph.reshape([1, side, side, 3])
    return graph


def measure(backbone: Backbone, graph: "openvino.Model", pictures: NDArray[np.uint8]) -> dict[str, Agreement]:
    """How well the graph agrees with torch, for each precision that this processor computes in."""
    import openvino

    has_bf16 = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    reference = torch_features(backbone, pictures)
    return {
        precision: Agreement.between(OpenVINOEngine(graph, precision).run(pictures), reference)
        for precision in PRECISIONS
        if precision == "f32" or has_bf16
    }


def _keep(folder: Path, graph: "openvino.Model | None", agreements: dict[str, dict[str, Agreement]]) -> None:
    """Write the agreements, and before them the graph where it is new."""
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
    import openvino

    try:
        described = json.loads((folder / AGREEMENT).read_text())
        whole = all(sha256_of(folder / name) == sha256 for name, sha256 in described["sha256"].items())
        present = (described["version"], described["openvino"]) == (VERSION, openvino.__version__)
        if not present or not whole:
            return None
        agreements = {
            sample: {key: Agreement(**value) for key, value in found.items()}
            for sample, found in described["agreements"].items()
        }
        return openvino.Core().read_model(folder / GRAPH), agreements
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
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
