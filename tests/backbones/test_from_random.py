"""Networks with random weights, for pictures of any size that they can take."""

import pytest

from graft.backbones import open_backbone
from graft.errors import RequestError


def test_the_cost_is_that_of_the_size_it_is_opened_for():
    at_64, at_128 = (open_backbone(f"random:timm:test_efficientnet@{side}").card for side in (64, 128))
    assert at_64.parameters == at_128.parameters
    assert at_128.macs == pytest.approx(4 * at_64.macs, rel=0.02)


def test_a_size_that_the_network_cannot_take_is_named():
    with pytest.raises(RequestError, match="cannot take pictures of 100 pixels"):
        open_backbone("random:timm:test_vit@100")


@pytest.mark.parametrize("side", ["7", "1025", "20000", "²", "99999999999999999999"])
def test_a_side_that_no_saved_model_may_have_is_refused(side):
    with pytest.raises(RequestError, match="with 8 to 1024 pixels"):
        open_backbone(f"random:timm:test_efficientnet@{side}")
