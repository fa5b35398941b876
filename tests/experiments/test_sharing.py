"""What a feature map is made of: on networks whose wiring is known, against autograd, and against taking maps out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import zfwidgets as zf
from zfwidgets.experiments.sharing import Sharing, SharingLinks, alike_together
from zfwidgets.experiments.sharing.knock_out import both_ways
from zfwidgets.experiments.sharing.plan import halves_of
from zfwidgets.task import Cancelled, Task

from .. import oracles

SIZE = 32
SHAPES = zf.Shapes(40, SIZE, seed=3, forms=("disc", "star", "bar"))


def wired() -> nn.Module:
    """Five lower maps, four upper ones: 0 of 1 and 2, 1 of 2 and 3, 2 dead, 3 of 2 alone; the lower map 4 unused."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 5, 5, 2, 2), nn.ReLU(), nn.Conv2d(5, 4, 3, padding=1), nn.ReLU())
    with torch.no_grad():
        net[0].weight.copy_(torch.rand_like(net[0].weight))
        net[0].bias.zero_()
        net[2].weight.zero_()
        net[2].bias.zero_()
        for upper, parts in ((0, (1, 2)), (1, (2, 3)), (3, (2,))):
            net[2].weight[upper, list(parts)] = torch.rand(len(parts), 3, 3)
        net[2].bias[2] = -1
    return net


def found_in(module: nn.Module, layers: tuple[str, ...], **settings: object) -> tuple[zf.Network, zf.TopActivations]:
    net = zf.Network(module, SIZE, device="cpu", **settings)
    return net, zf.top_activations(net, SHAPES, layers, progress=False)


@pytest.fixture(scope="module")
def deep():
    torch.manual_seed(1)
    module = zf.zfnet_shapes(3, maps=(6, 8, 9, 9, 7), hidden=(10, 8), size=SIZE).eval()
    net = zf.Network(module, SIZE, device="cpu")
    return module, net, zf.top_activations(net, SHAPES, progress=False)


@pytest.fixture(scope="module")
def chain(deep):
    _, net, tops = deep
    return zf.sharing(net, SHAPES, tops, progress=False)


# ── what it says of known wiring ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("weight", ["contribution", "signal"])
def test_the_matrix_says_how_a_network_is_wired(weight):
    net, tops = found_in(wired(), ("1", "3"))
    found = zf.sharing(net, SHAPES, tops, "3", "1", weight=weight, progress=False)
    links = found.links()
    assert found.share.shape == (4, 5)
    assert ((found.share > 0) == [[0, 1, 1, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 0], [0, 0, 1, 0, 0]]).all()
    assert np.allclose(found.share.sum(1), [1, 1, 0, 1])
    assert links.silent.tolist() == [False, False, True, False]
    assert {part.feature for part in found.made_of(0)} == {1, 2}
    assert {part.feature for part in found.users(2)} == {0, 1, 3}
    assert found.users(4) == found.made_of(2) == []
    assert found.users(2)[0].feature == 3
    assert 1 < links.effective_parts[0] <= 2
    assert links.effective_parts[[2, 3]].tolist() == pytest.approx([0, 1])
    assert links.effective_users[4] == links.effective_users[0] == 0
    assert 2 < links.effective_users[2] <= 3
    assert links.likeness[0, 3] == pytest.approx(found.share[0, 2] / np.linalg.norm(found.share[0]))


def test_shares_are_those_of_autograd(deep):
    module, net, tops = deep
    found = zf.sharing(net, SHAPES, tops, "conv 4", "conv 2", k=5, progress=False)
    upper, lower = found.layers
    contributions = np.zeros((9, 8))
    for feature in range(9):
        images, units = tops.images[upper][feature, :5], tops.units[upper][feature, :5]
        for image, (row, column) in zip(images, units, strict=True):
            if image < 0:
                continue
            x = net.batch([SHAPES[int(image)][0]])
            _, values = oracles.activations(module, x, [upper, lower], "deconvnet")
            (signal,) = torch.autograd.grad(values[upper][0, feature, row, column], values[lower])
            contributions[feature] += (signal.clamp(min=0) * values[lower]).sum((0, 2, 3)).detach().numpy()
    total = contributions.sum(1, keepdims=True)
    expected = np.divide(contributions, total, out=np.zeros_like(contributions), where=total > 0)
    assert (expected > 0).sum() > 20
    assert np.allclose(found.share, expected, atol=1e-6)
    assert np.allclose(found.lift[:, 1], expected[:, 1] / expected[total[:, 0] > 0].mean(0)[1], atol=1e-4)


def test_what_is_not_stable_is_known_by_shuffling():
    rng = np.random.default_rng(0)
    own = rng.gamma(0.3, size=(40, 60))
    own[30:] = 0
    halves = np.stack([own + rng.gamma(0.3, size=own.shape) * 0.2, own + rng.gamma(0.3, size=own.shape) * 0.2])
    links = SharingLinks("upper", "lower", halves.astype(np.float32), np.full((2, 40), 4))
    assert links.stable[:30].all()
    assert links.stable[30:].mean() < 0.4
    assert -0.3 < links.null < 0.5
    one_half = replace(links, counts=np.stack([np.full(40, 4), np.zeros(40, int)]), sums=links.sums * [[[1]], [[0]]])
    assert np.isnan(one_half.stability).all()
    assert not one_half.stable.any()


def test_halves_are_of_images_and_not_of_units():
    assert halves_of(np.array([[7, 7, 3, 5, 3, -1]])).tolist() == [[0, 0, 1, 0, 1, 1]]


def test_maps_that_are_alike_stand_together():
    rng = np.random.default_rng(1)
    kinds = rng.random((3, 50))
    group = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0])
    rows = kinds[group] + 0.01 * rng.random((10, 50))
    rows = np.concatenate([rows, np.zeros((1, 50))])
    order = alike_together(rows)
    assert sorted(order.tolist()) == list(range(11))
    assert order[-1] == 10
    assert (np.diff(group[order[:-1]]) != 0).sum() == 2


# ── the chain ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_chain_goes_down_the_main_layers(deep, chain):
    _, net, _ = deep
    assert chain.titles == ("fc 7", "fc 6", "conv 5", "conv 4", "conv 3", "conv 2", "conv 1")
    assert chain.layers == zf.sharing_layers(net)
    for layer in chain.layers[:-1]:
        links = chain.links(layer)
        assert np.allclose(links.share.sum(1), ~links.silent)
    tree = chain.chain(int(np.flatnonzero(~chain.links().silent)[0]))
    depths = [depth for depth, _ in tree.walk()]
    assert max(depths) == 6
    assert depths.count(1) <= 4
    assert 0 <= tree.rest < 1
    for _, branch in tree.walk():
        shares = [part.share for part in branch.branches]
        assert shares == sorted(shares, reverse=True)
    assert chain.chain(2, width=(1,), layer="conv 2").layer == "features.relu2"
    users = chain.users(3, layer="conv 1")
    assert all(chain.links("conv 2").share[part.feature, 3] == part.share for part in users)


def test_bottlenecks_and_pools_are_left_out():
    net = zf.load("squeezenet1_1")
    titles = [net.layer(name).title for name in zf.sharing_layers(net)]
    assert titles == [*(f"fire {number}" for number in range(9, 1, -1)), "conv 1"]


def test_it_is_saved_read_tabled_and_drawn(chain, tmp_path):
    chain.save(tmp_path / "sharing")
    again = Sharing.load(tmp_path / "sharing")
    assert again.layers == chain.layers
    assert np.array_equal(again.share, chain.share)
    table = again.to_pandas(3)
    assert set(table.columns) == {"layer", "feature", "part_layer", "part", "share", "lift", "stable"}
    assert len(chain.plot().axes) == 2
    assert len(chain.plot(layer="conv 3", by="lift").axes) == 2
    assert len(chain.plot(feature=2, layer="conv 3").axes) == 1
    assert "a map of conv 2 is made of about" in repr(chain)


# ── a long run ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_stopped_run_goes_on_and_gives_the_same(deep, chain, tmp_path, monkeypatch):
    _, net, tops = deep
    monkeypatch.setattr("zfwidgets.experiments.sharing.plan.SHARD", 8)
    whole = zf.sharing(net, SHAPES, tops, progress=False)
    seen = []

    def stop(done: float, count: float, what: str) -> None:
        seen.append(done)

    task = Task(lambda: len(seen) > 12, stop)
    with pytest.raises(Cancelled):
        zf.sharing(net, SHAPES, tops, checkpoint=tmp_path, task=task)
    parts = sorted(path.name for path in tmp_path.glob("part-*"))
    assert 0 < len(parts) < -(-len(SHAPES) // 8)
    again = zf.sharing(net, SHAPES, tops, checkpoint=tmp_path, progress=False)
    for layer in whole.layers[:-1]:
        assert np.array_equal(again.contributions[layer], whole.contributions[layer])
        assert np.array_equal(again.counts[layer], chain.counts[layer])
        assert np.allclose(chain.contributions[layer], whole.contributions[layer], rtol=1e-4, atol=1e-7)
    with pytest.raises(ValueError, match="another"):
        zf.sharing(net, SHAPES, tops, k=3, checkpoint=tmp_path, progress=False)


@pytest.mark.slow
def test_what_comes_with_the_package_is_what_is_found():
    net = zf.load("squeezenet1_1", device="cpu")
    prepared, found = zf.prepared_sharing(net), zf.sharing(net, upper="fire 2", lower="conv 1", progress=False)
    assert prepared.layers == zf.sharing_layers(net)
    for weight in ("contribution", "signal"):
        expected, links = found.links(weight=weight), prepared.links("fire 2", weight)
        assert np.allclose(links.share, expected.share, atol=1e-3)
        assert np.array_equal(links.counts, expected.counts)
        assert (links.stable == expected.stable).mean() > 0.98
    assert zf.prepared_sharing(net, [zf.photograph("cat")]) is None
    assert zf.prepared_sharing(zf.Network(wired(), SIZE)) is None


def test_it_says_how_far_it_is(deep):
    _, net, tops = deep
    said = []
    found = zf.sharing(net, SHAPES, tops, task=Task(report=lambda *progress: said.append(progress)))
    units = sum(int(counts.sum()) for counts in found.counts.values())
    assert said[-1] == (units, units, "units")
    assert [done for done, _, _ in said] == sorted(done for done, _, _ in said)


def test_strongest_activations_are_found_where_none_are_given():
    net = zf.Network(wired(), SIZE, device="cpu")
    found = zf.sharing(net, SHAPES, None, "3", "1", progress=False)
    assert np.allclose(found.share.sum(1), [1, 1, 0, 1])


# ── what is refused ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("upper", "lower", "said"),
    [
        ("conv 2", "conv 4", "lies above"),
        ("conv 3", "conv 3", "made of itself"),
        ("conv 1", None, "no layer below"),
        ("conv 4", ("conv 2", "conv 3"), "lies above"),
        ("conv 9", "conv 1", "no layer 'conv 9'"),
    ],
)
def test_layers_in_the_wrong_order_are_refused(deep, upper, lower, said):
    _, net, tops = deep
    with pytest.raises(ValueError, match=said):
        zf.sharing(net, SHAPES, tops, upper, lower, progress=False)


def test_layers_beside_each_other_are_refused():
    net = zf.load("squeezenet1_1")
    one, other = "features.6.expand1x1_activation", "features.6.expand3x3_activation"
    tops = zf.top_activations(net, [zf.photograph("cat")], [one], progress=False)
    with pytest.raises(ValueError, match="beside each other"):
        zf.sharing(net, [zf.photograph("cat")], tops, one, other, progress=False)


def test_bad_requests_are_refused_in_words(deep):
    module, net, tops = deep
    with pytest.raises(ValueError, match='"contribution" and "signal"'):
        zf.sharing(net, SHAPES, tops, weight="size", progress=False)
    with pytest.raises(ValueError, match="k is at least 1"):
        zf.sharing(net, SHAPES, tops, k=0, progress=False)
    with pytest.raises(ValueError, match="the rules are"):
        zf.sharing(net, SHAPES, tops, rule="lrp", progress=False)
    with pytest.raises(ValueError, match="another network"):
        zf.sharing(zf.Network(wired(), SIZE), SHAPES, tops, progress=False)
    with pytest.raises(ValueError, match="other images"):
        zf.sharing(net, zf.Shapes(12, SIZE), tops, progress=False)
    with pytest.raises(TypeError):
        zf.sharing(module, SHAPES, tops)


def test_questions_about_layers_and_maps_that_are_not_there_are_refused(chain):
    with pytest.raises(ValueError, match="was not looked at"):
        chain.links("conv 8")
    with pytest.raises(ValueError, match="last layer"):
        chain.links("conv 1")
    with pytest.raises(ValueError, match="first layer"):
        chain.users(0, layer="fc 7")
    with pytest.raises(ValueError, match="features 0 to 7"):
        chain.made_of(8)
    with pytest.raises(ValueError, match='"share" or "lift"'):
        chain.made_of(0, by="size")


# ── maps taken out ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("layer", "features"), [("features.relu2", [3]), ("features.relu4", [0, 5]), ("features.pool1", [1])]
)
@pytest.mark.parametrize("fill", ["zero", "mean"])
def test_taking_maps_out_is_as_the_whole_network_without_them(layer, features, fill):
    torch.manual_seed(2)
    module = zf.zfnet_shapes(3, maps=(6, 8, 9, 9, 7), hidden=(10, 8), size=SIZE).double().eval()
    net = zf.Network(module, SIZE, device="cpu")
    x = net.batch([SHAPES[5][0], SHAPES[6][0]])

    def take_out(_, __, output):
        output = output.clone()
        output[:, features] = output[:, features].mean((2, 3), keepdim=True) if fill == "mean" else 0
        return output

    step, targets = net.step(layer), [net.step("conv 5"), net.program.output]
    _, found = both_ways(net, net.without(layer, features, fill), step, targets, x)
    handle = dict(module.named_modules())[layer].register_forward_hook(take_out)
    try:
        _, expected = oracles.activations(module, x, ["features.relu5", ""])
    finally:
        handle.remove()
    for target, site in zip(targets, ("features.relu5", ""), strict=True):
        assert (found[target] - expected[site].detach()).abs().max() < 1e-10
        assert (found[target] - oracles.activations(module, x, [site])[1][site].detach()).abs().max() > 1e-6


def test_a_knock_out_says_what_falls(deep):
    _, net, _ = deep
    picture = SHAPES[4][0]
    found = zf.knock_out(net, picture, "conv 2", [1, 6])
    assert found.features == (1, 6)
    assert found.layers[-1] == net.main_layers[-1].name
    features = zf.ImageFeatures(net, picture)
    now = zf.ImageFeatures(net.without("conv 2", [1, 6]), picture)
    for layer in found.layers:
        for number, (row, column) in enumerate(found.units[layer].tolist()):
            assert (row, column) == features.strongest(layer, number)
        chosen = (np.arange(len(found.units[layer])), *found.units[layer].T)
        assert np.allclose(found.before[layer], features.maps(layer)[chosen])
        assert np.allclose(found.after[layer], now.maps(layer)[chosen], atol=1e-6)
    assert np.allclose(found.probability_after, now.prediction.probability[0], atol=1e-6)
    assert np.allclose(found.probability_before, net.predict(picture).probability[0], atol=1e-6)
    fall = found.fall("conv 3")
    with pytest.raises(ValueError, match="was not looked at"):
        found.fall("conv 1")
    silent = found.before["features.relu3"] <= 0
    assert np.isnan(fall[silent]).all()
    assert np.isfinite(fall[~silent]).all()
    assert found.top(2)[0][1] == found.probability_before.max()
    assert net.fingerprint != net.without("conv 2", [1, 6]).fingerprint


def test_the_line_that_makes_a_network_without_maps_makes_just_this_one():
    less = zf.load("zfnet_shapes").without("conv 2", np.array([1, 6]), "mean")
    assert eval(less.source).fingerprint == less.fingerprint


def test_a_knock_out_is_saved_and_read(deep, tmp_path):
    _, net, _ = deep
    found = zf.knock_out(net, SHAPES[4][0], "conv 2", 1, layers=["conv 3"])
    found.save(tmp_path / "found")
    again = zf.KnockOut.load(tmp_path / "found")
    assert again.layers == ("features.relu3",)
    assert np.array_equal(again.after["features.relu3"], found.after["features.relu3"])


def test_only_what_is_there_is_taken_out(deep):
    _, net, _ = deep
    with pytest.raises(ValueError, match="features 0 to 7"):
        zf.knock_out(net, SHAPES[0][0], "conv 2", 8)
    with pytest.raises(ValueError, match='"mean" or with "zero"'):
        zf.knock_out(net, SHAPES[0][0], "conv 2", 1, fill="noise")
    with pytest.raises(ValueError, match="does not depend"):
        zf.knock_out(net, SHAPES[0][0], "conv 2", 1, layers=["conv 1"])
    with pytest.raises(TypeError):
        zf.knock_out("resnet18", SHAPES[0][0], "conv 2", 1)


def test_without_a_bias_and_with_positive_weights_a_share_is_the_fall():
    net, tops = found_in(wired(), ("1", "3"))
    found = zf.sharing(net, SHAPES, tops, "3", "1", k=9, progress=False)
    checked = found.check(net, SHAPES, 4)
    assert checked.features.tolist() == [0, 1, 3]
    assert np.allclose(checked.fall, checked.contribution, atol=1e-5)
    assert np.allclose(checked.correlations(), 1)
    mean, low, high = checked.correlation()
    assert mean == low == high == pytest.approx(1)
    assert "rank correlation" in repr(checked)


def test_a_check_belongs_to_its_network(deep, chain):
    _, net, _ = deep
    assert chain.check(net, SHAPES, 3, layer="conv 4").fall.shape == (3, 9)
    with pytest.raises(ValueError, match="another network"):
        chain.check(net.without("conv 1", 0), SHAPES, 3)


def test_checks_and_knock_outs_are_drawn(deep, chain):
    _, net, _ = deep
    assert len(chain.check(net, SHAPES, 3, layer="conv 4").plot().axes) == 2
    bars = zf.knock_out(net, SHAPES[4][0], "conv 2", 1).plot(2).axes[0]
    assert len(bars.patches) == 4


def test_units_that_no_image_made_positive_say_nothing(deep):
    _, net, tops = deep
    upper, lower = tops.layers[-1], tops.layers[0]
    values = {name: each.copy() for name, each in tops.values.items()}
    values[upper][0], values[upper][1, 1:] = 0, 0
    known = replace(tops, values=values)
    found = zf.sharing(net, SHAPES, known, upper, lower, k=4, progress=False)
    links = found.links(upper)
    assert links.silent[0]
    assert found.counts[upper].sum(0)[:2].tolist() == [0, 1]
    alone = zf.sharing(net, SHAPES, tops, upper, lower, k=1, progress=False).links(upper)
    assert np.allclose(links.share[1], alone.share[1], atol=1e-6)
    dead = replace(tops, values={name: np.zeros_like(each) for name, each in values.items()})
    with pytest.raises(ValueError, match="no image made a feature map of these layers positive"):
        zf.sharing(net, SHAPES, dead, upper, lower, progress=False)
