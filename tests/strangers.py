"""Small valid runs of each kind, made without a fit, and the ways in which somebody could change them."""

import copy
import hashlib
import json
import struct
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from graft.adaptation.letters import Letters
from graft.adaptation.model import Model
from graft.adaptation.speech_model import SpeechModel
from graft.backbones.backbone import Backbone, Loaded, hash_of_weights
from graft.backbones.from_random import open_random
from graft.backbones.model_folder import CHECKSUMS, DESCRIPTION, TOKENIZER, WEIGHTS
from graft.evaluation import evaluate_probabilities
from graft.records import AudioPreprocess, Card, TextPreprocess
from graft.run_folder import RunFolder
from graft.storage import sha256_of, write_json

CLASSES = ("lemon", "plum", "lime")
SIZES = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "max_position_embeddings": 40,
    "vocab_size": 30,
}
KINDS = ("image", "text", "audio", "transcript")


def tokenizer_json() -> str:
    """A tokenizer of a few words, with all of the parts that published ones have."""
    import tokenizers
    from tokenizers import models, normalizers, pre_tokenizers, processors

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cat", "dog", "##s", "the"]
    made = tokenizers.Tokenizer(
        models.WordPiece(vocab={word: number for number, word in enumerate(words)}, unk_token="[UNK]")
    )
    made.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace("``", '"'), normalizers.Lowercase()])
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", None, [("[CLS]", 2), ("[SEP]", 3)])
    return made.to_str()


def text_backbone() -> Backbone:
    """A BERT of the least size, with random weights."""
    import torch

    from graft.backbones.encoder import Encoder, Pooling, architecture_of
    from graft.backbones.hub import without_notes

    without_notes()
    import transformers

    torch.manual_seed(0)
    config, pooling = transformers.BertConfig(**SIZES), Pooling(0)
    module = Encoder(transformers.BertModel(config), pooling).eval()
    content = tokenizer_json()
    preprocess = TextPreprocess(hashlib.sha256(content.encode()).hexdigest(), 32, 0, 4, tokenizer=content)
    card = Card("hf:small", architecture_of(config, pooling), "text", "MIT", "nowhere", 1000, 1000, 16, preprocess)
    return Backbone(card, lambda: Loaded(module))


def speech_backbone(frames: bool) -> Backbone:
    """The packaged network of sounds with random weights."""
    import torch

    from graft.backbones.frames import frame_by_frame
    from graft.backbones.speech_embedding import SpeechEmbedding

    torch.manual_seed(0)
    module = SpeechEmbedding().eval()
    preprocess = AudioPreprocess(16_000, 24_000, 24_000, 480_000, 32_768.0)
    card = Card("wheel:speech", "speech-embedding", "audio", "Apache-2.0", "speech", 328_152, 1000, 96, preprocess)
    backbone = Backbone(card, lambda: Loaded(module))
    return frame_by_frame(backbone) if frames else backbone


def backbone_of(kind: str) -> Backbone:
    if kind == "image":
        return open_random("timm:test_efficientnet@64")
    return text_backbone() if kind == "text" else speech_backbone(kind == "transcript")


def make_run(kind: str, place: Path) -> Path:
    """A finished run with a model whose head is random."""
    backbone = backbone_of(kind)
    rng = np.random.default_rng(0)
    rows = len(CLASSES) if kind != "transcript" else 4
    weight = rng.normal(size=(rows, backbone.card.width)).astype(np.float32)
    bias = np.zeros(rows, np.float32)
    about = {"graft": "0", "head": "a head", "samples": 3}
    model: Any
    if kind == "transcript":
        model = SpeechModel(backbone, Letters((" ", "a", "b")), weight, bias, ("a", "ab"), about)
    else:
        model = Model(backbone, CLASSES, weight, bias, 1.5, about, 0.6)
    data = place.parent / "data"
    data.mkdir(parents=True, exist_ok=True)
    settings = {
        "graft": "0", "data": str(data), "dataset": "0" * 64, "split": "made", "seed": 0, "started": "today",
        "samples": {"train": 3}, "modality": backbone.card.modality, "backbone": backbone.card.id, "state": "finished",
    }  # fmt: skip
    run = RunFolder.create(place, settings)
    rows_of_split = []
    for number, part in enumerate(("train", "val", "test")):
        file = data / f"{number}.bin"
        file.write_bytes(bytes([number]))
        rows_of_split.append((file.name, CLASSES[number], part, "", sha256_of(file)))
    run.write_split(rows_of_split)
    run.write("findings.json", [])
    run.write("evaluation.json", {} if kind == "transcript" else {"val": asdict(_evaluation(str(data)))})
    run.write("ladder.json", [])
    run.write_model(model.save)
    return run.path


def _evaluation(root: str) -> Any:
    rng = np.random.default_rng(1)
    labels = np.arange(30, dtype=np.int32) % 3
    names = [f"{number % 3}.bin" for number in range(30)]
    return evaluate_probabilities("val", rng.dirichlet(np.ones(3), 30), labels, CLASSES, names, (), root)


def seal(run: Path) -> None:
    """Write fresh checksums of all that lies in the model's folder, and of the split, as a careful stranger would."""
    model = run / "model"
    write_json(
        model / CHECKSUMS, {one.name: sha256_of(one) for one in sorted(model.iterdir()) if one.name != CHECKSUMS}
    )
    try:
        settings = json.loads((run / "run.json").read_text())
    except ValueError:
        return
    if isinstance(settings, dict):
        settings["split_sha256"] = sha256_of(run / "split.csv")
        (run / "run.json").write_text(json.dumps(settings))


def describe(run: Path, change: Any) -> None:
    """Let `change` work on model.json, and seal."""
    path = run / "model" / DESCRIPTION
    described = json.loads(path.read_text())
    change(described)
    path.write_text(json.dumps(described))
    seal(run)


def put_tensors(run: Path, tensors: dict[str, Any]) -> None:
    """Write other weights, named rightly."""
    from safetensors.numpy import save

    (run / "model" / WEIGHTS).write_bytes(save(tensors))
    trunk = {name.removeprefix("trunk."): value for name, value in tensors.items() if name.startswith("trunk.")}
    describe(run, lambda described: described.update(trunk=hash_of_weights(trunk)))


def put_tokenizer(run: Path, content: str) -> None:
    """Write another tokenizer, named rightly."""
    (run / "model" / TOKENIZER).write_text(content)
    digest = hashlib.sha256(content.encode()).hexdigest()
    describe(run, lambda described: described["backbone"]["preprocess"].update(sha256=digest))


NASTY: tuple[Any, ...] = (
    None, True, 0, 1, -1, 2, 3, 7, 255, 2**15, 20_000, 2**31, 2**53, 10**12, 10**30, -(2**63), 0.0, 0.5, -0.5, 1e-300,
    1e300, float("nan"), float("inf"), "", " ", "a", "\n", "\0", "../../etc/passwd", "/etc/passwd", "/dev/zero",
    "é" * 300,
    "\x1b[31m", [], {}, [[]], [1, 2], {"a": 1}, ["a", "a"], "image", "text", "audio", "pair", "transcript", "bilinear",
    "timm:resnet50", "timm:vit_giant_patch14_224", "torchvision:vgg19", "timm:hf-hub:x/y", "run:/etc", "fp32", "onnx",
    "openvino", "kernels-community/attention", "flash_attention_2", "x" * 30_000, [0] * 2000, "1e5", "gelu", "eager",
)  # fmt: skip
CODE = ("_attn_implementation", "auto_map", "trust_remote_code", "quantization_config", "backbone", "num_labels")


def mutate(rng: np.random.Generator, tree: Any) -> Any:
    """The same JSON with one to three places changed, removed or added."""
    tree = copy.deepcopy(tree)
    for _ in range(int(rng.integers(1, 4))):
        places = list(_places(tree))
        if not places:
            return NASTY[int(rng.integers(len(NASTY)))]
        parent, key = places[int(rng.integers(len(places)))]
        way = int(rng.integers(12))
        value = copy.deepcopy(NASTY[int(rng.integers(len(NASTY)))])
        old = parent[key]
        if way == 0 and isinstance(parent, dict):
            del parent[key]
        elif way == 1 and isinstance(parent, list):
            parent.insert(0, copy.deepcopy(old))
        elif way == 2 and isinstance(parent, dict):
            parent[CODE[int(rng.integers(len(CODE)))]] = value
        elif isinstance(old, int | float) and not isinstance(old, bool) and way < 7:
            parent[key] = (
                old * float(rng.choice([0, -1, 0.5, 2, 10, 1e3, 1e6])) if way < 5 else old + int(rng.integers(-2, 3))
            )
            parent[key] = int(parent[key]) if isinstance(old, int) else parent[key]
        elif isinstance(old, str) and old[:1] not in ("", "/") and way < 9 and ":{" in old:
            before, _, inner = old.partition(":")
            parent[key] = f"{before}:{json.dumps(mutate(rng, json.loads(inner)))}"
        else:
            parent[key] = value
    return tree


def _places(tree: Any) -> Any:
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in pairs:
        yield tree, key
        if not (isinstance(value, list) and len(value) > 200):
            yield from _places(value)


def mutate_bytes(rng: np.random.Generator, content: bytes) -> bytes:
    """The same with some bytes changed, a piece cut out, or its end missing."""
    way, size = int(rng.integers(4)), len(content)
    at = int(rng.integers(size))
    if way == 0:
        return content[:at]
    if way == 1:
        return content[:at] + content[at + int(rng.integers(1, 64)) :]
    changed = bytearray(content)
    most = size if way == 2 else min(size, 2000)  # heads are more telling than values
    for _ in range(int(rng.integers(1, 9))):
        changed[int(rng.integers(most))] = int(rng.integers(256))
    return bytes(changed)


def mutate_safetensors(rng: np.random.Generator, content: bytes) -> bytes:
    """The same with another head: names, types, shapes, places."""
    (size,) = struct.unpack("<Q", content[:8])
    if rng.random() < 0.3:
        return mutate_bytes(rng, content)
    head = json.dumps(mutate(rng, json.loads(content[8 : 8 + size]))).encode()
    return struct.pack("<Q", len(head)) + head + content[8 + size :]


def renamed_trunk(run: Path) -> None:
    """Name the trunk that lies in the folder by its own hash, where it can be read."""
    from safetensors.numpy import load

    try:
        saved = load((run / "model" / WEIGHTS).read_bytes())
    except Exception:
        return
    trunk = {name.removeprefix("trunk."): value for name, value in saved.items() if name.startswith("trunk.")}
    path = run / "model" / DESCRIPTION
    path.write_text(json.dumps({**json.loads(path.read_text()), "trunk": hash_of_weights(trunk)}))


def with_preprocess(backbone: Backbone, **changes: Any) -> Backbone:
    return replace(backbone, card=replace(backbone.card, preprocess=replace(backbone.card.preprocess, **changes)))


def make_artifact(kind: str, place: Path) -> Path:
    """An ONNX artifact of such a model."""
    from graft.export.artifact import describe as described_as
    from graft.export.artifact import seal as seal_artifact
    from graft.export.target import Material
    from graft.export.to_onnx import ONNX

    model = Model.load(make_run(kind, place.parent / f"{place.name}-run") / "model")
    place.mkdir(parents=True)
    ONNX.write(Material(model), "fp32", place)
    manifest = {**described_as(model, ONNX, "fp32", "small", None), "golden": "none"}
    seal_artifact(place, model, ONNX, manifest, None)
    return place


def seal_again(artifact: Path, change: Any = lambda manifest: None) -> None:
    """Let `change` work on the manifest, with fresh checksums of the files that it lists."""
    path = artifact / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["sha256"] = {
        name: sha256_of(artifact / name) for name in manifest["sha256"] if (artifact / name).is_file()
    }
    change(manifest)
    path.write_text(json.dumps(manifest))
