"""The training loop: exact streams, resume to the bit, budgets, refusals."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from course_lib.data.harbour import Harbour
from course_lib.errors import InputError
from course_lib.training import checkpoint
from course_lib.training import run as run_module
from course_lib.training.loop import train
from course_lib.training.optimiser import class_weights, groups
from course_lib.training.recipe import Recipe
from course_lib.training.schedules import poly
from course_lib.training.stream import Batches

NET = {
    "widths": (4, 4, 8, 8),
    "blocks": (1, 1),
    "dilations": (1,),
    "decoder_width": 8,
    "fine_width": 4,
}
SMALL = dict(model="dilated_fpn", options=NET, batch_size=4, crop_size=(32, 32))


def quiet(line):
    """Say nothing."""


def weights_of(run):
    values = run.net.state_dict().values()
    return torch.cat([value.flatten().float() for value in values])


@pytest.fixture
def sets():
    return Harbour("train", count=16, size=(48, 64)), Harbour("val", count=4)


def test_batches_are_permutations_and_do_not_depend_on_the_start():
    whole = list(Batches(10, 4, seed=3, start=0, stop=10))
    assert list(Batches(10, 4, seed=3, start=6, stop=10)) == whole[6:]
    indices = [i for batch in whole for _, i in batch]
    for epoch in range(4):
        assert sorted(indices[10 * epoch : 10 * epoch + 10]) == list(range(10))
    seeds = [seed for batch in whole for seed, _ in batch]
    assert len(set(seeds)) == len(seeds)


def test_two_runs_of_a_recipe_are_equal_and_another_seed_is_not(sets):
    recipe = Recipe(**SMALL, steps=3)
    first, second = (train(recipe, sets[0], say=quiet) for _ in range(2))
    other = train(Recipe(**SMALL, steps=3, seed=1), sets[0], say=quiet)
    assert torch.equal(weights_of(first), weights_of(second))
    assert not torch.equal(weights_of(first), weights_of(other))


def test_the_loss_falls(sets):
    run = train(Recipe(**SMALL, steps=80, lr=1e-2, warmup_iters=5), sets[0], say=quiet)
    assert sum(run.losses[-5:]) < 0.9 * sum(run.losses[:5])


def test_stopping_and_resuming_gives_the_same_bits(sets, tmp_path, monkeypatch):
    recipe = Recipe(**SMALL, steps=10, val_epochs=1)
    whole = train(recipe, *sets, say=quiet)

    step = run_module.Run.train_step

    def dies_at_step_6(self, *batch):
        if self.step == 6:
            raise KeyboardInterrupt
        return step(self, *batch)

    monkeypatch.setattr(run_module.Run, "train_step", dies_at_step_6)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, *sets, folder=tmp_path, say=quiet)
    monkeypatch.setattr(run_module.Run, "train_step", step)
    resumed = train(recipe, *sets, folder=tmp_path, resume=True, say=quiet)
    assert torch.equal(weights_of(whole), weights_of(resumed))
    assert whole.losses == resumed.losses
    assert whole.validations == resumed.validations


def test_killed_three_times_and_resumed_the_weights_are_the_same(tmp_path):
    command = [sys.executable, "-m", "course_lib", "train", "--dataset", "harbour"]
    command += ["--count", "12", "--batch-size", "4", "--crop-size", "32", "32"]
    command += ["--steps", "24", "--threads", "1", "--precision", "float32"]
    command += ["--skip-val", "--device", "cpu"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run(
        [*command, "--save-dir", whole], check=True, capture_output=True
    )
    for epochs in (1, 3, 6):
        kill_after(command + ["--save-dir", killed], killed, steps=3 * epochs)
    subprocess.run(
        [*command, "--save-dir", killed, "--resume"], check=True, capture_output=True
    )
    ours, theirs = (checkpoint.load_checkpoint(f / "last.pt") for f in (whole, killed))
    assert theirs["step"] == 24
    for key, value in ours["averaged"].items():
        assert torch.equal(value, theirs["averaged"][key]), key


def kill_after(command, folder, steps):
    """Start or resume a run and SIGKILL it once ``steps`` are in its checkpoint."""
    last = folder / "last.pt"
    resume = ["--resume"] if last.exists() else []
    process = subprocess.Popen(
        [*command, *resume], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        if last.exists() and checkpoint.load_checkpoint(last)["step"] >= steps:
            break
        time.sleep(0.02)
    assert process.poll() is None, "the run ended before it could be killed"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def test_a_budget_becomes_steps_and_covers_resumes(sets, tmp_path):
    recipe = Recipe(**SMALL, budget_minutes=0.05, val_epochs=100)
    start = time.monotonic()
    run = train(recipe, *sets, folder=tmp_path, say=quiet)
    assert time.monotonic() - start < 30
    assert run.step == run.steps > 40
    state = checkpoint.load_checkpoint(tmp_path / "last.pt")
    assert state["steps"] == run.steps
    again = train(recipe, *sets, folder=tmp_path, resume=True, say=quiet)
    assert again.step == run.steps
    assert again.seconds == pytest.approx(run.seconds, abs=1)


def test_a_resume_with_another_recipe_is_refused(sets, tmp_path):
    train(Recipe(**SMALL, steps=2), sets[0], folder=tmp_path, say=quiet)
    with pytest.raises(InputError, match="lr is 0.5 but the checkpoint"):
        other = Recipe(**SMALL, steps=2, lr=0.5)
        train(other, sets[0], folder=tmp_path, resume=True, say=quiet)


def test_another_number_of_threads_is_refused_unless_allowed(tmp_path, capsys):
    from course_lib.__main__ import main

    command = ["train", "--dataset", "harbour", "--count", "4", "--batch-size", "2"]
    command += ["--crop-size", "32", "32", "--steps", "2", "--skip-val"]
    command += ["--device", "cpu", "--save-dir", str(tmp_path)]
    state = {"recipe": Recipe("dilated_fpn", steps=2, threads=2).as_dict()}
    checkpoint.save_checkpoint(tmp_path / "last.pt", state)
    assert main([*command, "--resume", "--threads", "1"]) == 2
    assert "used 2 threads, not 1; give --threads 2" in capsys.readouterr().err


def test_a_loss_that_is_not_finite_ends_in_a_sentence(sets):
    with pytest.raises(InputError, match="the loss is nan at step .*; lower lr"):
        recipe = Recipe(**SMALL, steps=60, lr=1e30, warmup_iters=0)
        train(recipe, sets[0], say=quiet)


@pytest.mark.parametrize(
    "lengths", [{}, {"steps": 1, "epochs": 1}, {"steps": 0}, {"budget_minutes": -1}]
)
def test_a_recipe_says_how_long_exactly_once(lengths):
    with pytest.raises(InputError):
        Recipe("dilated_fpn", **lengths)


def test_a_recipe_survives_a_checkpoint(tmp_path):
    recipe = Recipe(**SMALL, epochs=2)
    checkpoint.save_checkpoint(tmp_path / "a.pt", {"recipe": recipe.as_dict()})
    state = checkpoint.load_checkpoint(tmp_path / "a.pt")
    assert Recipe.from_dict(state["recipe"]) == recipe


@pytest.mark.parametrize("damage", ["cut", "text", "missing", "other"])
def test_a_damaged_checkpoint_is_told(tmp_path, damage):
    path = tmp_path / "last.pt"
    checkpoint.save_checkpoint(path, {"step": 1})
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    if damage == "text":
        path.write_text("hello")
    if damage == "missing":
        path.unlink()
    if damage == "other":
        torch.save({"weights": torch.zeros(1)}, path)
    with pytest.raises(InputError, match="last.pt"):
        checkpoint.load_checkpoint(path)


def test_a_pickle_with_code_is_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (os.system, (f"touch {tmp_path}/owned",))

    torch.save({"format": 1, "x": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(InputError):
        checkpoint.load_checkpoint(tmp_path / "evil.pt")
    assert not (tmp_path / "owned").exists()


def test_a_shipped_net_is_the_trained_one_in_sixteen_bits(sets, tmp_path):
    run = train(Recipe(**SMALL, steps=2), sets[0], folder=tmp_path, say=quiet)
    net, info = checkpoint.load_net(tmp_path / "last.pt")
    checkpoint.save_net(tmp_path / "net.safetensors", net, info)
    shipped, shipped_info = checkpoint.load_net(tmp_path / "net.safetensors")
    images = torch.rand(1, 3, 40, 56)
    with torch.no_grad():
        torch.testing.assert_close(run.net(images)["out"], net(images)["out"])
        difference = shipped(images)["out"] - net(images)["out"]
    assert difference.abs().max() < 1e-2
    assert shipped_info["model"] == info["model"] == "dilated_fpn"


def test_poly_by_hand():
    assert poly(0, 100, 1.0) == 1.0
    assert poly(50, 100, 1.0, power=1.0) == 0.5
    assert poly(0, 100, 1.0, warmup=10) == pytest.approx(0.1)
    assert poly(120, 100, 1.0) == 0.0  # past the end, a real number still


def test_every_parameter_is_in_exactly_one_group():
    from course_lib.models import build

    net = build("dilated_fpn", 3)
    listed = [id(p) for group in groups(net, 0.1) for p in group["params"]]
    assert sorted(listed) == sorted(id(p) for p in net.parameters())


def test_class_weights_by_hand():
    masks = [torch.tensor([[0, 0, 0, 1], [255, 255, 0, 0]])]  # 5/6 and 1/6
    weights = class_weights(masks, 3, power=1.0)
    assert weights.tolist() == pytest.approx([0.6, 3.0, 0.0])
    assert class_weights(masks, 2, power=0.0).tolist() == pytest.approx([1, 1])


def test_calibration_takes_back_what_the_weights_added(sets):
    """A net whose bias was raised by log weights is best with all of it undone."""
    from course_lib.training.calibrate import calibrate, score_bias

    run = train(Recipe(**SMALL, steps=60, lr=1e-2), sets[0], say=quiet)
    net, weights = run.net, torch.linspace(1, 40, 12)
    learnt = score_bias(net).detach().clone()
    with torch.no_grad():
        score_bias(net).add_(weights.log())
    chosen = calibrate(net, weights, sets[0])
    scores = chosen["mean_iou"]
    assert scores[chosen["strength"]] == max(scores.values()) > scores[0.0]
    expected = learnt + (1 - chosen["strength"]) * weights.log()
    torch.testing.assert_close(score_bias(net).detach(), expected)
