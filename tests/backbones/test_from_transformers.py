"""The licence of a network of the hub: what the model card beside its weights states."""

import pytest

from graft.backbones.from_transformers import licence_of


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("license: apache-2.0", "Apache-2.0"),
        ("license: cc-by-nc-4.0", "CC-BY-NC-4.0"),
        ("license: other\nlicense_name: some-terms", "some-terms"),
        ("license: other", "unknown"),
        ("license: [mit, apache-2.0]", "unknown"),
        ("license: 3", "unknown"),
        ("language: en", "unknown"),
        ("- no mapping", "unknown"),
        ("license: [unclosed", "unknown"),
        ("license: " + "[" * 2000, "unknown"),
    ],
)
def test_the_head_of_the_model_card_is_read(tmp_path, head, name):
    (tmp_path / "README.md").write_text(f"---\n{head}\n---\n# A network\nlicense: mit\n")
    licence = licence_of(str(tmp_path))
    assert licence.name == name
    assert str(tmp_path) in (licence.note if name == "unknown" else licence.source)


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe no text", b"# No head\nlicense: mit"])
def test_no_card_means_no_known_licence(tmp_path, content):
    if content is not None:
        (tmp_path / "README.md").write_bytes(content)
    assert licence_of(str(tmp_path)).name == "unknown"
