"""fastai: vision_learner(...).fine_tune(...), with the packaged weights in place of a download."""

from common import ARCHITECTURE, DATA, EPOCHS, MEAN, SIDE, STD, Clock, pretrained

clock = Clock()
# typed by the user from here
from fastai.vision.all import *

dls = ImageDataLoaders.from_folder(
    DATA, train="train", valid="val", item_tfms=Resize(256), batch_tfms=aug_transforms(size=SIDE), bs=64, num_workers=2
)
dls.add_tfms([Normalize.from_stats(MEAN, STD)], "after_batch")
learn = vision_learner(dls, ARCHITECTURE, pretrained=False, normalize=False, metrics=accuracy)
# to here
trunk = pretrained(0).state_dict()
learn.model[0].model.load_state_dict({name: trunk[name] for name in learn.model[0].model.state_dict()})
learn.freeze()


class Save(Callback):
    def after_epoch(self):
        clock.save({f"fastai.{name}": value for name, value in self.learn.model.state_dict().items()})


learn.add_cb(Save())
# typed by the user from here
learn.fine_tune(EPOCHS - 1)
# to here
