"""A VGG small enough for a laptop: the classifier that chapter 02 converts."""

from pathlib import Path

from torch import Tensor, nn

from course_lib.models.blocks import conv_bn
from course_lib.models.weights import fit, read_net_file
from course_lib.paths import weights_dir


class SmallVGG(nn.Module):
    """Five stages of convolution and 2 x 2 pooling, then three linear layers.

    Windows (B, 3, 96, 96) -> logits (B, K). After Simonyan and Zisserman, Very Deep
    Convolutional Networks, ICLR 2015: stride 32 like its model, with one
    convolution a stage, batch norm, and 190,000 weights in place of 138 million.

    Args:
        num_classes: K.
        width: channels of the first stage; later ones have 2, 4, 4 and 4 times that.

    Taught in chapters/02_fcn_conversion.
    """

    size = 96  # px, side of the window it classifies: 3 cells of 32

    def __init__(self, num_classes: int, width: int = 16):
        super().__init__()
        layers, channels = [], 3
        for out in (width, 2 * width, 4 * width, 4 * width, 4 * width):
            layers += [*conv_bn(channels, out), nn.ReLU(), nn.MaxPool2d(2)]
            channels = out
        self.features = nn.Sequential(*layers)  # (B, channels, 3, 3)
        self.classifier = nn.Sequential(
            nn.Linear(channels * 3 * 3, 128),  # "fc6"
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(128, 128),  # "fc7"
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(128, num_classes),  # "fc8"
        )

    def forward(self, windows: Tensor) -> Tensor:
        """Logits (B, K) of windows (B, 3, 96, 96)."""
        return self.classifier(self.features(windows).flatten(1))


def load_small_vgg(path: Path | None = None) -> tuple[SmallVGG, list[str]]:
    """A trained ``SmallVGG`` in evaluation mode, and the names of its classes.

    Args:
        path: None takes the one shipped, which names the class at the centre of a
            window of the harbour.

    Taught in chapters/02_fcn_conversion.
    """
    path = path or weights_dir() / "small_vgg_harbour.safetensors"
    info, weights = read_net_file(path)
    net = SmallVGG(info["num_classes"], **info["options"])
    weights = {key.removeprefix("net."): value for key, value in weights.items()}
    fit(net, weights, str(path))
    return net.eval(), list(info["classes"]["names"])
