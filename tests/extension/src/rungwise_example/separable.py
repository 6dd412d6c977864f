"""A net of separable convolutions: one for each channel, then one of 1 x 1 across channels (Chollet 2017)."""

from typing import Literal

from torch import nn

from rungwise.models.net import NetSettings


class SeparableSettings(NetSettings):
    family: Literal["separable"] = "separable"
    width: int = 16

    def build(self, image, outputs):
        return Separable(image[0], self.width, *outputs)


class Separable(nn.Module):
    def __init__(self, channels, width, classes):
        super().__init__()
        self.stem = nn.Conv2d(channels, width, 3, stride=2, padding=1)
        self.apart = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.across = nn.Conv2d(width, width, 1)
        self.head = nn.Linear(width, classes)

    def features(self, x):
        stem = self.stem(x).relu()
        across = self.across(self.apart(stem)).relu()
        return {"stem": stem, "separable": across, "logits": self.head(across.amax((2, 3)))}

    def forward(self, x):
        return (self.features(x)["logits"],)
