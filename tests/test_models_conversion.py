"""A converted classifier gives the classifier's own numbers."""

import pytest
import torch
from torch import nn

from course_lib.errors import InputError
from course_lib.models.classifiers import classifier
from course_lib.models.dense import linear_to_conv, slide, to_dense
from course_lib.models.fcn import STRIDE, Converted, FCN32s
from course_lib.models.small_vgg import SmallVGG, load_small_vgg

TOLERANCE = 1e-4  # largest difference of any logit


@pytest.fixture(autouse=True)
def no_grad():
    torch.manual_seed(0)
    with torch.no_grad():
        yield


def crop(size: int) -> torch.Tensor:
    return torch.randn(1, 3, size, size)


def farthest(a: torch.Tensor, b: torch.Tensor) -> float:
    assert a.shape == b.shape
    return (a - b).abs().max().item()


def with_spread(net: nn.Module) -> nn.Module:
    """Batch norm with statistics of its own, so that mixing them up shows."""
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 2)
    return net.eval()


def small_torchvision_vgg() -> nn.Module:
    """torchvision's VGG class with few channels and its 7 x 7 pooling."""
    from torchvision.models.vgg import VGG, make_layers

    with torch.device("meta"):  # its own 102 million weights of fc6 are not made
        net = VGG(nn.Identity())
    net.features = make_layers([8, "M", 8, "M", 16, "M", 16, "M", 32, "M"])
    net.classifier = nn.Sequential(
        nn.Linear(32 * 7 * 7, 64), nn.ReLU(True), nn.Dropout(), nn.Linear(64, 20)
    )
    return net.eval()


def test_linear_to_conv_by_hand():
    linear = nn.Linear(4, 1)
    linear.weight.copy_(torch.tensor([[1.0, 2, 3, 4]]))
    linear.bias.copy_(torch.tensor([10.0]))
    conv = linear_to_conv(linear, channels=1, size=2)
    row = conv(torch.tensor([[[[1.0, 0, 5], [0, 1, 0]]]]))  # windows 1 0/0 1, 0 5/1 0
    assert row.flatten().tolist() == [10 + 1 + 4, 10 + 2 * 5 + 3 * 1]


def test_a_wrong_shape_is_one_sentence():
    with pytest.raises(InputError, match="takes 12 numbers, not 4 channels of 2 x 2"):
        linear_to_conv(nn.Linear(12, 5), channels=4, size=2)


@pytest.mark.parametrize("make", [small_torchvision_vgg, lambda: SmallVGG(12)])
def test_a_vgg_gives_the_same_on_its_own_crop(make):
    net = with_spread(make())
    image = crop(getattr(net, "size", 224))
    dense = to_dense(net)
    assert farthest(dense(image).flatten(1), net(image)) < TOLERANCE
    larger = dense(crop(image.shape[-1] + 3 * STRIDE))
    assert larger.shape[-2:] == (4, 4)  # for VGG-16 that is in / 32 - 6


@pytest.mark.parametrize("name", ["squeezenet1_0", "resnet18"])
def test_the_mean_of_a_class_activation_map_is_the_classifier(name):
    net, names = classifier(name)
    assert names is None
    image, net = crop(224), with_spread(net)
    cam = to_dense(net)(image)
    assert cam.shape[1] == 1000 and min(cam.shape[-2:]) > 1
    logits = net(image)
    assert logits.std() > 1e-3  # or equality would say nothing
    assert farthest(cam.mean(dim=(2, 3)), logits) < TOLERANCE


def test_conversion_leaves_the_classifier_as_it_was():
    net = SmallVGG(12).train()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    dense = FCN32s(to_dense(net))
    for parameter in dense.parameters():
        parameter.add_(1)
    assert net.training
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())


def test_another_net_is_refused():
    with pytest.raises(InputError, match="no rule to convert a Conv2d"):
        to_dense(nn.Conv2d(3, 3, 1))


def test_without_padding_one_pass_is_the_sliding_window():
    features = nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 5), nn.ReLU(),
        nn.MaxPool2d(2),
    )  # fmt: skip
    fc = nn.Linear(8 * 6 * 6, 7)  # a window of 34 px shrinks to 32, 16, 12, 6
    image = torch.randn(3, 34 + 4 * 5, 34 + 4 * 2)
    one_pass = nn.Sequential(features, linear_to_conv(fc, 8, 6))(image[None])[0]
    windows = slide(nn.Sequential(features, nn.Flatten(), fc), image, 34, 4)
    assert windows.shape == (7, 6, 3)
    assert farthest(one_pass, windows) < TOLERANCE


def test_with_padding_they_differ_but_agree_far_from_the_window_border():
    net = SmallVGG(12).eval()
    image = torch.randn(3, 128, 128)
    one_pass, windows = to_dense(net)(image[None])[0], slide(net, image, 96, 32)
    assert one_pass.shape == windows.shape == (12, 2, 2)
    assert farthest(one_pass, windows) > TOLERANCE


def test_a_picture_smaller_than_the_window_is_refused():
    with pytest.raises(InputError, match="90 x 200 px, smaller than the window of 96"):
        slide(SmallVGG(3), torch.zeros(3, 90, 200), 96, 32)


def test_a_converted_classifier_asks_about_windows_around_the_cells():
    net = with_spread(SmallVGG(12))
    image = torch.randn(1, 3, 96, 96)
    labels = Converted(net).eval()(image)["out"]
    assert labels.shape == (1, 12, 96, 96)
    # The enlargement's value at 4 px around the middle of the middle cell is nearly
    # that cell's, whose window is the whole picture.
    middle = labels[0, :, 47:49, 47:49].mean(dim=(1, 2))
    padded = torch.nn.functional.pad(image, (32, 32, 32, 32))
    cells = to_dense(net)(padded)[0]  # (12, 3, 3)
    assert farthest(middle, cells[:, 1, 1]) < 0.1 * cells.std()
    with pytest.raises(InputError, match="choose fcn32s_small"):
        Converted(net).train()(image)


def test_names_paths_and_files_of_classifiers(tmp_path):
    with pytest.raises(InputError, match="no classifier 'vgg61'; choose one of"):
        classifier("vgg61")
    with pytest.raises(InputError, match="no weights file .*nowhere.pth"):
        classifier("resnet18", tmp_path / "nowhere.pth")
    net, _ = classifier("squeezenet1_0")
    file = tmp_path / "mine.pth"
    torch.save(net.state_dict(), file)
    again, names = classifier("squeezenet1_0", file)
    assert names[0] == "tench" and len(names) == 1000 and not again.training
    assert torch.equal(again.features[0].weight, net.features[0].weight)
    with pytest.raises(InputError, match="mine.pth does not fit the network: missing"):
        classifier("resnet18", file)
    file.write_bytes(b"no weights")
    with pytest.raises(InputError, match="no readable state dict"):
        classifier("squeezenet1_0", file)


def test_a_small_vgg_comes_back_from_its_file(tmp_path):
    from course_lib.training.checkpoint import save_net

    net = with_spread(SmallVGG(3, width=8))
    info = {"model": "small_vgg", "options": {"width": 8}, "num_classes": 3,
            "classes": {"names": ["a", "b", "c"]}}  # fmt: skip
    save_net(tmp_path / "net.safetensors", Converted(net), info)
    again, names = load_small_vgg(tmp_path / "net.safetensors")
    image = crop(96)
    assert names == ["a", "b", "c"]
    assert farthest(again(image), net(image)) < 0.01  # 16-bit weights
