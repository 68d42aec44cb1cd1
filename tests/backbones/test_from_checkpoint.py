import json
import pickle
import tarfile
import warnings
import zipfile

import pytest
import torch
from safetensors.torch import save_file

from graft.backbones import open_backbone
from graft.backbones.from_checkpoint import build
from graft.errors import RequestError, WorkError

SMALL = "timm:test_resnet.r160_in1k"


@pytest.fixture
def weights():
    torch.manual_seed(0)
    loaded, _ = build(SMALL)
    return loaded.module.state_dict()


def test_safetensors_with_the_architecture_named(weights, tmp_path):
    save_file(weights, tmp_path / "w.safetensors")
    backbone = open_backbone(f"file:{tmp_path / 'w.safetensors'}@{SMALL}")
    assert all(torch.equal(backbone.module.state_dict()[name], value) for name, value in weights.items())


def test_safetensors_that_name_their_architecture(weights, tmp_path):
    save_file(weights, tmp_path / "w.safetensors", metadata={"architecture": SMALL})
    assert open_backbone(f"file:{tmp_path / 'w.safetensors'}").card.architecture == "timm:test_resnet"


def test_a_config_beside_the_weights_names_the_architecture(weights, tmp_path):
    save_file(weights, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"architecture": "test_resnet"}))
    assert open_backbone(f"file:{tmp_path / 'model.safetensors'}").card.architecture == "timm:test_resnet"


@pytest.mark.parametrize(
    "wrap",
    [
        lambda w: w,
        lambda w: {"state_dict": w, "epoch": 3},
        lambda w: {"model": {f"module.{n}": v for n, v in w.items()}},
    ],
)
def test_pth_as_people_save_it(weights, tmp_path, wrap):
    torch.save(wrap(weights), tmp_path / "w.pth")
    backbone = open_backbone(f"file:{tmp_path / 'w.pth'}@{SMALL}")
    assert torch.equal(
        backbone.module.conv1[0].weight
        if hasattr(backbone.module.conv1, "__getitem__")
        else backbone.module.conv1.weight,
        next(iter(weights.values())),
    )


def test_an_old_classifier_may_be_left_over(weights, tmp_path):
    save_file({**weights, "fc.weight": torch.zeros(3, 384), "fc.bias": torch.zeros(3)}, tmp_path / "w.safetensors")
    open_backbone(f"file:{tmp_path / 'w.safetensors'}@{SMALL}")


class Evil:
    def __reduce__(self):
        return (print, ("this code ran",))


def test_a_pickle_that_could_run_code_is_not_opened(tmp_path, capsys):
    (tmp_path / "w.pth").write_bytes(pickle.dumps({"weight": Evil()}))
    torch.save({"weight": Evil()}, tmp_path / "new.pth")
    for name in ("w.pth", "new.pth"):
        with pytest.raises(WorkError, match="could run code"):
            open_backbone(f"file:{tmp_path / name}@{SMALL}")
    assert "this code ran" not in capsys.readouterr().out


def test_weights_of_another_network_say_what_differs(tmp_path):
    save_file({"conv1.weight": torch.zeros(1)}, tmp_path / "w.safetensors")
    with pytest.raises(WorkError, match="tensors missing"):
        open_backbone(f"file:{tmp_path / 'w.safetensors'}@{SMALL}")


def test_weights_of_a_larger_relative_are_refused(tmp_path):
    loaded, _ = build("timm:resnet34")
    save_file(loaded.module.state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(WorkError, match="that it has no place for .*Is the architecture right"):
        open_backbone(f"file:{tmp_path / 'w.safetensors'}@timm:resnet18")


def test_a_damaged_safetensors_file(tmp_path):
    (tmp_path / "w.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{broken}")
    with pytest.raises(WorkError, match="cannot be read as weights"):
        open_backbone(f"file:{tmp_path / 'w.safetensors'}@{SMALL}")


def test_a_file_that_does_not_exist():
    with pytest.raises(RequestError, match="There is no file"):
        open_backbone("file:nowhere.safetensors@timm:resnet18")


def test_a_file_that_names_no_architecture(weights, tmp_path):
    save_file(weights, tmp_path / "w.safetensors")
    with pytest.raises(RequestError, match="file:PATH@ARCHITECTURE"):
        open_backbone(f"file:{tmp_path / 'w.safetensors'}")


def test_an_architecture_nobody_knows(weights, tmp_path):
    save_file(weights, tmp_path / "w.safetensors")
    with pytest.raises(RequestError, match="timm:resnet18"):
        open_backbone(f"file:{tmp_path / 'w.safetensors'}@timm:resnet81")


def test_no_message_advises_to_open_a_file_whatever_it_holds(tmp_path):
    """torch's own words for TorchScript, for a tar and for a pickle do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of the age of TorchScript
        torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)), tmp_path / "script.pth")
    with tarfile.open(tmp_path / "tar.pth", "w") as archive:
        for name in ("storages", "tensors", "pickle", "sys_info"):
            archive.addfile(tarfile.TarInfo(name))
    (tmp_path / "short.pth").write_bytes(b"\x80\x02")
    torch.save({"weight": Evil()}, tmp_path / "evil.pth")
    with zipfile.ZipFile(tmp_path / "packed.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(1000))
    for name in ("script", "tar", "short", "evil", "packed"):
        with pytest.raises(WorkError) as raised:
            open_backbone(f"file:{tmp_path / name}.pth@{SMALL}")
        assert "weights_only" not in str(raised.value)


def test_tensors_that_are_no_plain_ones(weights, tmp_path):
    name = next(name for name, value in weights.items() if value.ndim == 1)
    torch.save({**weights, name: weights[name].to_sparse()}, tmp_path / "sparse.pth")
    with pytest.raises(WorkError, match="of another kind|cannot be read"):
        open_backbone(f"file:{tmp_path / 'sparse.pth'}@{SMALL}")
