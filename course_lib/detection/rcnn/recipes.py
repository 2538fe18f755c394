"""What ``train-detector --model MODEL --dataset NAME`` does when nothing is said.

A row is the options of the net, the recipe and the random transform.
"""

HARBOUR_NET = {
    "backbone": "resnet",
    "backbone_options": {"name": "resnet18", "width": 16, "channels": 48, "stages": 3},
    # fitted to the boxes: buoys 6 x 10 px, masts 4 x 40, people 9 x 25, cars 45 x 20
    "anchor_sizes": [[8], [16], [32], [64]],
    "anchor_ratios": [0.4, 1.0, 2.5, 7.0],
    "box_channels": 96,
    "rpn_pre_nms_top_n_train": 400,
    "rpn_post_nms_top_n_train": 300,
    "rpn_pre_nms_top_n_test": 300,
    "rpn_post_nms_top_n_test": 200,
    "box_batch_size_per_image": 128,
}
HARBOUR_RECIPE = {
    "epochs": 20,
    "batch_size": 4,
    "optimiser": "adamw",
    "lr": 2e-3,
    "weight_decay": 0.01,
    "warmup_iters": 200,
    "warmup_factor": None,
    "clip": 5.0,
    "average": 0.998,
}
MASKS = {"mask_channels": 32, "mask_layers": 2}
PEOPLE_NET = {
    "backbone": "squeezenet",
    "backbone_options": {"channels": 64, "weights": "real"},
    "anchor_sizes": [[32], [64], [128], [256]],
    "anchor_ratios": [1.5, 2.5, 4.0],
    "short_side": 288,
    "long_side": 512,
    "rpn_post_nms_top_n_train": 300,
    "rpn_post_nms_top_n_test": 200,
    "box_batch_size_per_image": 128,
}
PEOPLE_RECIPE = {
    "epochs": 20,
    "batch_size": 2,
    "optimiser": "adamw",
    "lr": 5e-4,
    "weight_decay": 0.01,
    "group_aspect": True,
    "clip": 5.0,
}
TUTORIAL = {"epochs": 10, "schedule": "multistep", "milestones": [0.3, 0.6, 0.9],
            "group_aspect": True}  # fmt: skip
RECIPES = {
    ("fasterrcnn", "harbour"): (HARBOUR_NET, HARBOUR_RECIPE, {}),
    ("maskrcnn", "harbour"): (HARBOUR_NET | MASKS, HARBOUR_RECIPE, {}),
    ("fasterrcnn", "penn_fudan"): (PEOPLE_NET, PEOPLE_RECIPE, {"colour": 0.3}),
    ("maskrcnn", "penn_fudan"): (PEOPLE_NET, PEOPLE_RECIPE, {"colour": 0.3}),
    ("fasterrcnn_resnet50_fpn", "penn_fudan"): ({}, TUTORIAL, {}),
    ("maskrcnn_resnet50_fpn", "penn_fudan"): ({}, TUTORIAL, {}),
}
