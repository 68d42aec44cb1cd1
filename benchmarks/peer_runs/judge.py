"""Judge saved weights on the official test part, all peers in one way: resize, centre crop, channels last, bf16."""

import json

import torch
from common import ARCHITECTURE, CLASSES, DATA, MEAN, OUT, SIDE, STD, pretrained
from safetensors.torch import load_file
from torchvision import datasets, transforms

transform = transforms.Compose(
    [transforms.Resize(256), transforms.CenterCrop(SIDE), transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
)
data = datasets.ImageFolder(DATA / "test", transform)
names = [CLASSES.index(name) for name in data.classes]
pictures, labels = [], []
for inputs, labelled in torch.utils.data.DataLoader(data, batch_size=64, num_workers=2):
    pictures.append(inputs)
    labels += [names[int(label)] for label in labelled]


def network(state: dict[str, torch.Tensor]) -> torch.nn.Module:
    if not any(name.startswith("fastai.") for name in state):
        model = pretrained()
    else:
        from fastai.vision.learner import create_timm_model

        model, _ = create_timm_model(ARCHITECTURE, len(CLASSES), pretrained=False)
        state = {name.removeprefix("fastai."): value for name, value in state.items()}
    model.load_state_dict(state)
    return model.eval().to(memory_format=torch.channels_last)


with (OUT / "judged.jsonl").open("w") as lines:
    for line in (OUT / "times.jsonl").read_text().splitlines():
        entry = json.loads(line)
        model = network(load_file(OUT / entry["file"]))
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            said = torch.cat([model(inputs.to(memory_format=torch.channels_last)) for inputs in pictures])
        accuracy = float((said.argmax(1) == torch.tensor(labels)).float().mean())
        lines.write(json.dumps({**entry, "accuracy": accuracy}) + "\n")
        print(entry["file"], f"{100 * accuracy:.1f}%", flush=True)
