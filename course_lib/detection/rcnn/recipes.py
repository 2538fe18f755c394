"""What ``train-detector --model MODEL --dataset NAME`` does when nothing is said.

A row is the options of the net, the recipe and the random transform.
"""

HARBOUR_NET = {
    "backbone": "resnet",
    "backbone_options": {"name": "resnet18", "width": 16, "channels": 48, "stages": 3,
                         "start": "resnet18_8s_harbour"},
    # fitted to the boxes (w x h): buoys 7 x 10, masts 4 x 40, people 9 x 25, lamp posts
    # 10 x 53, boats 35 x 16, cars 45 x 20, railings 150 x 16 px
    "anchor_sizes": [[9], [14], [26], [46]],
    "anchor_ratios": [[1.0, 1.6, 2.5, 6.0], [0.5, 1.2, 2.7, 10.0],
                      [0.44, 0.8, 2.0, 5.6], [0.11, 0.35, 1.3, 5.0]],
    "rpn_fg_iou_thresh": 0.6,
    "roi_samples": 1,
    "rpn_pre_nms_top_n_train": 400,
    "rpn_post_nms_top_n_train": 300,
    "rpn_pre_nms_top_n_test": 300,
    "rpn_post_nms_top_n_test": 200,
    "box_batch_size_per_image": 128,
}  # fmt: skip
HARBOUR_RECIPE = {
    "epochs": 3,
    "batch_size": 4,
    "optimiser": "adamw",
    "lr": 2e-3,
    "weight_decay": 0.01,
    "warmup_iters": 200,
    "warmup_factor": None,
    "clip": 5.0,
    "average": 0.995,
}
MASKS = {"mask_channels": 48, "mask_layers": 2}
PEOPLE_NET = {
    "backbone": "squeezenet",
    "backbone_options": {"channels": 64, "weights": "real", "finest": 8, "frozen": 6},
    # people are 75 x 210 px at this size, from 35 x 115 to 120 x 250
    "anchor_sizes": [[64], [110], [160]],
    "anchor_ratios": [1.9, 2.7, 3.7],
    "short_side": [240, 256, 272, 304, 320, 288],
    "long_side": 512,
    "roi_samples": 1,
    "rpn_pre_nms_top_n_train": 500,
    "rpn_post_nms_top_n_train": 300,
    "rpn_pre_nms_top_n_test": 300,
    "rpn_post_nms_top_n_test": 100,
    "box_batch_size_per_image": 64,
}
PEOPLE_RECIPE = {
    "epochs": 30,
    "batch_size": 2,
    "optimiser": "adamw",
    "lr": 1e-3,
    "weight_decay": 0.02,
    "group_aspect": True,
    "warmup_iters": 100,
    "warmup_factor": None,
    "clip": 5.0,
    "average": 0.99,
}
TUTORIAL = {"epochs": 10, "schedule": "multistep", "milestones": [0.3, 0.6, 0.9],
            "group_aspect": True}  # fmt: skip
RECIPES = {
    ("fasterrcnn", "harbour"): (HARBOUR_NET, HARBOUR_RECIPE, {}),
    ("maskrcnn", "harbour"): (HARBOUR_NET | MASKS, HARBOUR_RECIPE, {}),
    ("fasterrcnn", "penn_fudan"): (PEOPLE_NET, PEOPLE_RECIPE, {"colour": 0.3}),
    ("maskrcnn", "penn_fudan"): (PEOPLE_NET | MASKS, PEOPLE_RECIPE, {"colour": 0.3}),
    ("fasterrcnn_resnet50_fpn", "penn_fudan"): ({}, TUTORIAL, {}),
    ("maskrcnn_resnet50_fpn", "penn_fudan"): ({}, TUTORIAL, {}),
}
