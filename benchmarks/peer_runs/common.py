"""What every competitor gets: the same folder, the same weights, a clock that does not count its saving."""

import json
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

DATA, WEIGHTS, OUT = (Path(argument) for argument in sys.argv[1:4])
EPOCHS = int(sys.argv[4])
ARCHITECTURE = "tf_efficientnet_lite0"
SIDE = 224
MEAN = STD = (0.5, 0.5, 0.5)
CLASSES = sorted(folder.name for folder in (DATA / "train").iterdir())
torch.manual_seed(0)


def pretrained(classes: int = len(CLASSES)) -> torch.nn.Module:
    """The network with the packaged weights and a new last layer."""
    import timm

    model = timm.create_model(ARCHITECTURE, num_classes=classes)
    missing, strange = model.load_state_dict(load_file(WEIGHTS), strict=False)
    assert not strange
    assert all(name.startswith("classifier") for name in missing), missing
    return model


class Clock:
    """Seconds of training, without the seconds that saving for the judge takes."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.number = 0

    def save(self, state: dict[str, torch.Tensor]) -> None:
        """Keep the weights as they are now, under timm's names, with the time so far."""
        seconds = time.perf_counter() - self.began
        self.number += 1
        file = OUT / f"{self.number:03}.safetensors"
        save_file({name: value.detach().cpu().contiguous().clone() for name, value in state.items()}, file)
        with (OUT / "times.jsonl").open("a") as lines:
            lines.write(json.dumps({"file": file.name, "seconds": seconds}) + "\n")
        print(f"saved {file.name} after {seconds:.0f} s", flush=True)
        self.began += time.perf_counter() - self.began - seconds
