"""Texts to vectors with what people use: MODEL TEXTS OUT BACKEND ROUNDS; prints the seconds of each round as JSON.

BACKEND is "automodel" (transformers in fp32 as its documentation shows it: batches in the order of the texts, padded to
the longest) or a backend of sentence-transformers ("torch", "onnx", "openvino", "onnx-int8"), which sorts by itself.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

BATCH = 32


def main() -> None:
    model, texts, out, backend, rounds = sys.argv[1:]
    embed = automodel(model) if backend == "automodel" else sentence_transformers(model, backend)
    sentences = json.loads(Path(texts).read_text())
    embed(sentences[: 4 * BATCH])  # whatever is made on the first call
    seconds = []
    for _ in range(int(rounds)):
        began = time.perf_counter()
        vectors = embed(sentences)
        seconds.append(time.perf_counter() - began)
    np.save(out, vectors)
    print(json.dumps(seconds))


def automodel(folder: str):
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()

    @torch.no_grad()
    def embed(sentences: list[str]) -> np.ndarray:
        found = []
        for start in range(0, len(sentences), BATCH):
            batch = tokenizer(sentences[start : start + BATCH], padding=True, truncation=True, return_tensors="pt")
            hidden = model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1)
            found.append((hidden * mask).sum(1) / mask.sum(1))
        return torch.cat(found).numpy()

    return embed


def sentence_transformers(folder: str, backend: str):
    from sentence_transformers import SentenceTransformer, models

    if backend == "torch":
        word = models.Transformer(folder)
        return SentenceTransformer(modules=[word, models.Pooling(word.get_word_embedding_dimension())]).encode
    if backend == "onnx-int8":
        from sentence_transformers import export_dynamic_quantized_onnx_model

        plain = SentenceTransformer(folder, backend="onnx")
        export_dynamic_quantized_onnx_model(plain, "avx2", folder)
        return SentenceTransformer(
            folder, backend="onnx", model_kwargs={"file_name": "onnx/model_quint8_avx2.onnx"}
        ).encode
    return SentenceTransformer(folder, backend=backend).encode


if __name__ == "__main__":
    main()
