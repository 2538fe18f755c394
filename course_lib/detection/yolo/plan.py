"""A Darknet net for ``train-detector``: the net, its data, its recipe, its files."""

from argparse import Namespace
from pathlib import Path

import torch
from torch import nn

from course_lib.detection.darknet.cfg import parse_cfg, write_cfg
from course_lib.detection.darknet.detector import (
    DarknetDetector,
    load_detector,
    load_net,
)
from course_lib.detection.darknet.network import Darknet
from course_lib.detection.darknet.weights import save_weights
from course_lib.detection.plan import Plan
from course_lib.detection.rcnn.plan import read_options
from course_lib.detection.recipe import DetectorRecipe
from course_lib.detection.yolo.classes_of_cfg import change_anchors, change_classes
from course_lib.detection.yolo.kmeans import box_sizes, kmeans_anchors
from course_lib.detection.yolo.mosaic import Mosaic, yolo_transform
from course_lib.detection.yolo.multi_scale import multi_scale
from course_lib.detection.yolo.pictures import dials, open_sets
from course_lib.detection.yolo.transfer import set_prior, transfer
from course_lib.errors import InputError

RECIPE = {
    "epochs": 30,
    "batch_size": 8,
    "optimiser": "adamw",
    "lr": 4e-3,
    "warmup_iters": 200,
    "warmup_factor": None,
    "clip": 10.0,
    "average": 0.998,
}
AUGMENT = {
    "harbour": {"zoom": None, "hue": 0, "saturation": 0, "brightness": 0},
}
# of --options: the input, anchors of the data by k-means or the cfg's, old class of a
# new one, probability of a mosaic, range of input sizes
OPTIONS = {"size": None, "resize": "letterbox", "anchors": False, "classes": None,
           "mosaic": 0.0, "multi_scale": None}  # fmt: skip


def plan_darknet(args: Namespace, given: dict) -> Plan:
    """The plan that ``train-detector --cfg`` asks for.

    The cfg's classes become the data set's. With ``--weights`` of the same cfg, all
    but the heads is taken over. ``--options`` takes a JSON object of ``OPTIONS``.

    Args:
        args: of ``train-detector``.
        given: fields of the recipe that were said.

    Taught in chapters/15_training_yolo.
    """
    options = OPTIONS | read_options(args.options)
    if unknown := options.keys() - OPTIONS:
        raise InputError(f"--options has {min(unknown)!r}; known: {', '.join(OPTIONS)}")
    sets = open_sets(args)
    names = list(sets["test"].classes.names[1:])
    detector = build(args, options, sets["train"], len(names))
    recipe = dict(RECIPE)
    if "steps" in given:
        del recipe["epochs"]
    name = args.name or f"{args.cfg.stem}_{args.dataset}"
    train = sets["train"]
    if options["mosaic"]:
        train = Mosaic(train, probability=options["mosaic"])
    augment = AUGMENT.get(args.dataset, {})

    def load(files: list[Path]) -> nn.Module:
        cfg = files[0].with_suffix(".cfg")
        return load_detector(cfg, files[0], resize=detector.resize)

    def save(folder: Path, trained: nn.Module) -> list[Path]:
        return save_pair(trained, folder, name)

    return Plan(
        name=name,
        detector=detector,
        train_set=train,
        val_set=sets["val"],
        test_set=sets["test"],
        recipe=DetectorRecipe(**recipe | given),
        transform=yolo_transform(**augment),
        iou_types=("bbox",),
        save=save,
        load=load,
        about={"model": args.cfg.name, "options": options, "augment": augment,
               "names": names, "train_pictures": len(train), "dials": dials(args)},
        command="python -m course_lib evaluate-detector --checkpoint {file} "
        f"--dataset {args.dataset}",
    )  # fmt: skip


def build(args: Namespace, options: dict, train_set, num_classes: int):
    """The detector to train, with weights to start from."""
    sections = change_classes(parse_cfg(args.cfg), num_classes)
    size = options["size"] or Darknet(sections).size
    size = (size, size) if isinstance(size, int) else tuple(size)
    if options["anchors"]:
        total = len(sections[-1].numbers("anchors", 0, 1e6)) // 2
        anchors = kmeans_anchors(box_sizes(train_set, size), total)
        sections = change_anchors(sections, anchors)
    net = Darknet(sections)
    set_prior(net)
    if args.weights:
        classes = options["classes"]
        classes = classes and {int(k): v for k, v in classes.items()}
        transfer(net, load_net(args.cfg, args.weights), classes)
    net = net.to(memory_format=torch.channels_last)  # quicker on a processor
    detector = DarknetDetector(net, size, options["resize"])
    if options["multi_scale"]:
        multi_scale(detector, *options["multi_scale"])
    return detector


def save_pair(detector: DarknetDetector, folder: Path, name: str) -> list[Path]:
    """Write NAME.weights and NAME.cfg; the cfg names the size it was trained at."""
    from course_lib.detection.yolo.classes_of_cfg import change_size

    weights, cfg = folder / f"{name}.weights", folder / f"{name}.cfg"
    write_cfg(change_size(detector.net.sections, detector.size), cfg)
    save_weights(detector.net, weights)
    return [weights, cfg]
