"""Keras 3 on torch, by its own transfer-learning guide: the head with a frozen base, then everything, slowly."""

import os

os.environ["KERAS_BACKEND"] = "torch"
from common import CLASSES, DATA, EPOCHS, SIDE, Clock, pretrained

clock = Clock()
# typed by the user from here
import keras
import torch
from torchvision import datasets, transforms

transform = transforms.Compose(
    [transforms.Resize((SIDE, SIDE)), transforms.PILToTensor(), lambda picture: picture.permute(1, 2, 0).float()]
)
data = datasets.ImageFolder(DATA / "train", transform)
train = torch.utils.data.DataLoader(data, batch_size=64, shuffle=True, num_workers=2)
base = keras.layers.TorchModuleWrapper(pretrained(0), output_shape=(None, 1280))
head = keras.layers.Dense(len(CLASSES))
inputs = keras.Input((SIDE, SIDE, 3))
hidden = keras.layers.RandomFlip("horizontal")(inputs)
hidden = keras.layers.Rescaling(1 / 127.5, offset=-1)(hidden)
hidden = keras.layers.Permute((3, 1, 2))(hidden)
hidden = base(hidden, training=False)
hidden = keras.layers.Dropout(0.2)(hidden)
model = keras.Model(inputs, head(hidden))
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


# to here
class Save(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        state = dict(base.module.state_dict())
        weight, bias = (value.value.detach() for value in head.weights)
        clock.save({**state, "classifier.weight": weight.T, "classifier.bias": bias})


# typed by the user from here
base.trainable = False
model.compile(keras.optimizers.Adam(), loss)
model.fit(train, epochs=1, callbacks=[Save()])
base.trainable = True
model.compile(keras.optimizers.Adam(1e-5), loss)
model.fit(train, epochs=EPOCHS - 1, callbacks=[Save()])
# to here
