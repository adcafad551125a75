"""Training of a supernet: objectives, sampling, checkpoints, interruption."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from cosearch.accuracy.pictures import Pictures, Split
from cosearch.accuracy.supernet import MBConvSupernet, SupernetTraining, TrainingPlan
from cosearch.accuracy.supernet.checkpoint import Checkpoint
from cosearch.accuracy.supernet.draws import draw_generator, draw_pictures
from cosearch.accuracy.supernet.training import set_learning_rate, sgd
from cosearch.spaces import MBConvSpace
from cosearch.spaces.mbconv import Skeleton

SPACE = MBConvSpace(classes=10, skeleton=Skeleton("one stage", (8,), (8, 1), 8, ((8, 2),), 16))
PLAN = TrainingPlan(steps=6, batch=16, sampling="single-path", learning_rate=0.05, seed=4)


@pytest.fixture(scope="module")
def pictures():
    return Pictures.digits(8)


def start(pictures, plan=PLAN):
    return SupernetTraining(MBConvSupernet(SPACE, seed=1), pictures, plan)


def weights(training):
    return {name: p.detach().clone() for name, p in training.network.named_parameters()}


def assert_same(one, other):
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())


@pytest.mark.parametrize("sampling", ["sandwich", "single-path"])
def test_a_resumed_training_comes_to_the_very_same_weights(pictures, tmp_path, sampling):
    plan = replace(PLAN, sampling=sampling, middle=1)
    uncut = start(pictures, plan)
    uncut.run()
    first, second = start(pictures, plan), start(pictures, plan)
    for _ in range(3):
        first.advance()
    first.save(tmp_path / "half.pt")
    second.restore(tmp_path / "half.pt")
    second.run()
    assert second.steps_done == 6
    assert_same(weights(uncut), weights(second))


def test_nothing_of_what_was_done_before_is_left_when_resumed(pictures, tmp_path):
    uncut, other = start(pictures), start(pictures)
    other.save(tmp_path / "begin.pt")
    other.advance()
    other.restore(tmp_path / "begin.pt")
    uncut.advance()
    other.advance()
    assert_same(weights(uncut), weights(other))


def test_an_interrupted_training_goes_on_from_where_it_was(pictures, tmp_path):
    path, uncut = tmp_path / "training.pt", start(pictures)
    uncut.run()

    def interrupt(step, total, loss):
        assert (total, loss > 0) == (6, True)
        if step == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start(pictures).run(path, progress=interrupt)
    again = start(pictures)
    again.restore(path)
    assert again.steps_done == 4
    again.run(path)
    assert_same(weights(uncut), weights(again))
    assert Checkpoint.read(path).step == 6


def test_weights_torn_by_an_interruption_are_not_kept(pictures, tmp_path):
    path, training = tmp_path / "training.pt", start(pictures)

    def tear(step, total, loss):
        if step == 2:
            training._optimizer.step = torn

    def torn():
        next(training.network.parameters()).data.zero_()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.run(path, every=2, progress=tear)
    found = Checkpoint.read(path)
    assert found.step == 2
    assert found.weights["blocks.0.0.weight"].any()


def test_a_failed_write_leaves_the_old_checkpoint(pictures, tmp_path, monkeypatch):
    path, training = tmp_path / "training.pt", start(pictures)
    training.save(path)
    training.advance()

    def fail(content, file):
        file.write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(OSError, match="no space"):
        training.save(path)
    assert Checkpoint.read(path).step == 0


@pytest.mark.parametrize("objective", ["train", "validation", "generalization"])
def test_a_step_follows_the_gradient_of_the_objective(pictures, objective):
    # Pictures that do not fit their labels, so that the gap is wide.
    shuffled = replace(
        pictures, validation=Split(pictures.validation.pictures, pictures.validation.labels * 0)
    )
    plan = replace(PLAN, objective=objective, weight_decay=0.0, steps=1)
    training, reference = start(shuffled, plan), MBConvSupernet(SPACE, seed=1)
    row = SPACE.sample(1, draw_generator(0, plan.seed))[0]
    losses = []
    for stream, split in enumerate((shuffled.train, shuffled.validation)):
        drawn = split.take(draw_pictures(len(split), plan.batch, 0, plan.seed, stream))
        losses.append(cross_entropy(reference(shuffled.standardised(drawn), row), drawn.labels))
    train, held = losses
    expected = {
        "train": train,
        "validation": held,
        "generalization": train + 0.45 * (held - train).abs(),
    }[objective]
    expected.backward()
    assert training.advance() == pytest.approx(expected.item())
    for own, other in zip(training.network.parameters(), reference.parameters(), strict=True):
        if other.grad is not None:
            # Nesterov's first step with momentum 0.9 is 1 + 0.9 gradients.
            moved = other - plan.learning_rate * 1.9 * other.grad
            torch.testing.assert_close(own, moved, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(("sampling", "count"), [("sandwich", 5), ("single-path", 1)])
def test_networks_of_a_step(pictures, monkeypatch, sampling, count):
    plan = replace(PLAN, sampling=sampling, middle=3, objective="train")
    training, seen = start(pictures, plan), []
    forward = training.network.forward

    def watch(x, row):
        seen.append(row.tolist())
        return forward(x, row)

    monkeypatch.setattr(training.network, "forward", watch)
    training.advance()
    training.advance()
    assert len(seen) == 2 * count
    assert seen[:count] != seen[count:]
    if sampling == "sandwich":
        ends = [training.network.largest.tolist(), training.network.smallest.tolist()]
        assert seen[:2] == seen[count : count + 2] == ends


def test_training_learns(pictures):
    plan = replace(PLAN, steps=60, objective="train", learning_rate=0.1, batch=32)
    losses = []
    start(pictures, plan).run(progress=lambda step, total, loss: losses.append(loss))
    assert np.mean(losses[-5:]) < 0.75 * np.mean(losses[:5])


def test_the_held_out_part_has_no_influence(pictures):
    other = replace(pictures, test=pictures.test.take(np.arange(3)))
    one, two = start(pictures), start(other)
    one.advance()
    two.advance()
    assert_same(weights(one), weights(two))


def test_the_learning_rate_falls_as_a_cosine():
    plan = replace(PLAN, steps=100, learning_rate=0.2)
    optimizer, rates = sgd(MBConvSupernet(SPACE), plan), []
    for step in (0, 50, 99):
        set_learning_rate(optimizer, plan, step)
        rates.append([group["lr"] for group in optimizer.param_groups])
    assert rates[0] == [0.2, 0.2]
    assert rates[1] == pytest.approx([0.1, 0.1])
    assert 0 < rates[2][0] < 1e-4


def test_only_convolutions_and_linear_layers_decay():
    network = MBConvSupernet(SPACE)
    decayed, others = sgd(network, replace(PLAN, weight_decay=0.5)).param_groups
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.5, 0.0)
    names = {id(p): name for name, p in network.named_parameters()}
    kept = {names[id(p)] for p in others["params"]}
    assert all(p.ndim >= 2 for p in decayed["params"])
    assert {n for n in names.values() if n.startswith("transforms")} <= kept
    assert "blocks.0.1.weight" in kept
    assert len(kept) + len(decayed["params"]) == len(names)


def test_a_checkpoint_of_something_else_is_refused(pictures, tmp_path):
    path = tmp_path / "training.pt"
    start(pictures).save(path)
    with pytest.raises(ValueError, match=r"trained with learning_rate 0\.05, not 0\.1"):
        start(pictures, replace(PLAN, learning_rate=0.1)).restore(path)
    with pytest.raises(ValueError, match="trained with pictures digits, 1079"):
        start(replace(pictures, name="letters")).restore(path)
    wider = MBConvSpace(2.0, 10, skeleton=SPACE.skeleton)
    with pytest.raises(ValueError, match="trained with space one stage, not one stage x2"):
        SupernetTraining(MBConvSupernet(wider), pictures, PLAN).restore(path)
    deeper = MBConvSpace(classes=12, skeleton=SPACE.skeleton)
    with pytest.raises(ValueError, match="weights of another supernet"):
        SupernetTraining(MBConvSupernet(deeper), pictures, PLAN).restore(path)
    with pytest.raises(FileNotFoundError):
        start(pictures).restore(tmp_path / "nowhere.pt")


def truncated(path):
    path.write_bytes(path.read_bytes()[:2000])


def of_other_content(path):
    torch.save({"weights": torch.zeros(2)}, path)


def of_another_format(path):
    torch.save({"about": '{"format": 99, "step": 1}', "weights": {}, "momentum": {}}, path)


@pytest.mark.parametrize("damage", [truncated, of_other_content, of_another_format])
def test_a_damaged_checkpoint_is_refused(pictures, tmp_path, damage):
    path = tmp_path / "training.pt"
    start(pictures).save(path)
    damage(path)
    with pytest.raises(ValueError, match=r"training\.pt is no checkpoint of a supernet"):
        start(pictures).restore(path)


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_no_code_of_a_checkpoint_is_run(pictures, tmp_path):
    path, sprung = tmp_path / "training.pt", tmp_path / "sprung"
    torch.save({"about": Trap(sprung)}, path)
    with pytest.raises(ValueError, match="is no checkpoint of a supernet"):
        start(pictures).restore(path)
    assert not sprung.exists()


def test_a_training_that_runs_away_says_so(pictures):
    training = start(pictures, replace(PLAN, learning_rate=1e30))
    with pytest.raises(ValueError, match="use a lower learning rate than 1e"):
        training.run()


def test_checkpoints_are_some_steps_apart(pictures):
    with pytest.raises(ValueError, match="every 0: use 1"):
        start(pictures).run(every=0)


def test_a_space_of_too_few_classes_is_refused(pictures):
    network = MBConvSupernet(MBConvSpace(classes=4, skeleton=SPACE.skeleton))
    with pytest.raises(ValueError, match="tells 4 classes apart, but digits has 10"):
        SupernetTraining(network, pictures)
