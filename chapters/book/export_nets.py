"""Write the graphs of the nets that run in the book: ``make book-nets``.

ONNX knows tensors that lie in another file. So a graph holds no weight: each of its
tensors points to its bytes in the shipped weights of ``course_lib/weights``, which the
book copies beside it. Nets and weights are then the same by construction, and the
repository keeps them once. Runs where the course is installed with its extra ``bench``.
"""

import json
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torchvision.transforms.v2.functional import to_pil_image

from course_lib.data.harbour import Harbour
from course_lib.data.pocket import pocket_photo
from course_lib.data.transforms import MEAN, STD
from course_lib.detection.darknet.decode import decode
from course_lib.detection.darknet.detector import load_net as load_darknet
from course_lib.paths import results_dir, weights_dir
from course_lib.training.checkpoint import load_net

NETS = Path(__file__).parent / "static" / "nets"
INLINE = 64  # bytes; smaller tensors stay in the graph


class Segmenter(nn.Module):
    """A picture of any size as a canvas has it, RGBA uint8 (H, W, 4), to labels."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net
        self.bias, self.scale = (nn.Buffer(torch.tensor(x)) for x in (MEAN, STD))

    def forward(self, rgba: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (C, H, W) and the class of every pixel, uint8 (H, W)."""
        image = ((rgba[..., :3] / 255 - self.bias) / self.scale).permute(2, 0, 1)
        logits = self.net(image[None])["out"][0]
        return logits, logits.argmax(dim=0).to(torch.uint8)


class Detector(nn.Module):
    """A letterboxed picture, RGBA uint8 (height, width, 4), to rows of ``decode``."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, rgba: Tensor) -> Tensor:
        """(N, 5 + C): box in 0 to 1, objectness, score of each class."""
        image = rgba[..., :3].permute(2, 0, 1).float() / 255
        return decode(self.net(image[None]), self.net)[0]


def export_segmenter(name: str) -> dict:
    """Write a segmentation net's graph; returns what the page has to know of it."""
    weights = weights_dir() / f"{name}.safetensors"
    net, info = load_net(weights)
    sides = {
        0: torch.export.Dim("height", min=32),
        1: torch.export.Dim("width", min=32),
    }
    picture = torch.zeros(360, 480, 4, dtype=torch.uint8)
    graph = graph_of(Segmenter(net), picture, ["logits", "labels"], {"rgba": sides})
    write(name, graph, weights)
    classes = info["classes"]
    return {"weights": weights.name, "names": classes["names"],
            "palette": classes["palette"]}  # fmt: skip


def export_detector(name: str) -> dict:
    """Write a detector's graph; returns what the page has to know of it."""
    weights = weights_dir() / f"{name}.weights"
    net = load_darknet(weights.with_suffix(".cfg"), weights).eval()
    picture = torch.zeros(*net.size, 4, dtype=torch.uint8)
    write(name, graph_of(Detector(net), picture, ["rows"]), weights)
    card = json.loads((results_dir() / f"{name}.json").read_text())
    return {"weights": weights.name, "names": card["names"], "size": net.size}


def graph_of(module, picture, outputs, dynamic=None) -> onnx.ModelProto:
    """A module as an ONNX graph whose tensors keep the names of the parameters."""
    program = torch.onnx.export(
        module.eval(), (picture,), input_names=["rgba"], output_names=outputs,
        dynamic_shapes=dynamic, dynamo=True, optimize=False, verbose=False,
    )  # fmt: skip
    return program.model_proto


def write(name: str, model: onnx.ModelProto, weights: Path) -> None:
    """Point the tensors of a graph to a weights file, and write what is left."""
    content = weights.read_bytes()
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.nbytes < INLINE:
            continue
        if (start := content.find(values.tobytes())) < 0:
            casts.append(helper.make_node("Cast", [f"{tensor.name}:16"], [tensor.name],
                                          to=TensorProto.FLOAT))  # fmt: skip
            values = values.astype(np.float16)
            start = content.find(values.tobytes())
            tensor.data_type, tensor.name = TensorProto.FLOAT16, f"{tensor.name}:16"
        assert start >= 0, f"{tensor.name} is not in {weights.name}"
        outside(tensor, weights.name, start, values.nbytes)
    nodes = [*casts, *model.graph.node]
    for node in nodes:
        del node.metadata_props[:]  # where in the source it came from
    model.ClearField("metadata_props")
    model.graph.ClearField("metadata_props")
    model.graph.ClearField("value_info")
    model.graph.ClearField("node")
    model.graph.node.extend(nodes)
    NETS.mkdir(parents=True, exist_ok=True)
    (NETS / f"{name}.onnx").write_bytes(model.SerializeToString(deterministic=True))


def outside(tensor: TensorProto, file: str, start: int, length: int) -> None:
    """Let a tensor's values lie in another file."""
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": file, "offset": start, "length": length}.items():
        tensor.external_data.add(key=key, value=str(value))


def write_pictures() -> None:
    """Two pictures for readers without one: a harbour, and a photograph in CC0."""
    harbour, _ = Harbour(split="test", count=2, size=(192, 256))[1]
    to_pil_image(harbour).save(NETS / "harbour.png", optimize=True)
    photo = to_pil_image(pocket_photo("camera")).convert("L")
    photo.thumbnail((480, 480))
    photo.save(NETS / "camera.jpg", quality=85)


if __name__ == "__main__":
    facts = {
        "dilated_fpn_camvid": export_segmenter("dilated_fpn_camvid"),
        "yolo_harbour": export_detector("yolo_harbour"),
    }
    write_pictures()
    (NETS / "nets.json").write_text(json.dumps(facts) + "\n")
