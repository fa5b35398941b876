"""The procedural data set: what its truth says, and what it draws."""

import math
import pickle
import subprocess
import sys
from collections import Counter
from dataclasses import astuple, replace
from hashlib import sha256

import numpy as np
import pytest
from torch.utils.data import DataLoader

from zfwidgets.data import images
from zfwidgets.data.clutter import _lengths_and_widths, _monomials, _quadratic_forms
from zfwidgets.data.forms import FORMS, TEXTURES
from zfwidgets.data.shapes import Shapes, Truth, render

SIZE = 256
LENS = math.acos((0.25 + 1 - 0.78**2) / (2 * 0.5)), math.acos((0.25 + 0.78**2 - 1) / (2 * 0.5 * 0.78))

# what a form covers of the square on its radius
AREAS = {
    "disc": math.pi,
    "ring": math.pi * (1 - 0.55**2),
    "ellipse": math.pi * 0.58,
    "square": 2,
    "triangle": 3 * math.sqrt(3) / 4,
    "hexagon": 3 * math.sqrt(3) / 2,
    "star": 5 * math.sin(math.radians(36)) * math.cos(math.radians(66)) / math.cos(math.radians(30)),
    "cross": 8 * 0.96 * 0.28 - 4 * 0.28**2,
    "bar": 4 * 0.96 * 0.28,
    "crescent": (
        math.pi - sum(r**2 * (a - math.sin(2 * a) / 2) for r, a in zip((1, 0.78), LENS, strict=True))
    ) / 1.270**2,
    "heart": (1 + math.pi / 4) / 0.9286**2,
    "arrow": 2 * 0.25 * math.sqrt(15) / 4 + 45 / 64,
}  # fmt: skip


def alone(form, **changes):
    """A plain white form on black, so that a level is how much of the pixel is covered."""
    truth = Truth(
        form=form,
        label=0,
        texture="plain",
        colour=(255, 255, 255),
        accent=(255, 255, 255),
        ground=(0, 0, 0),
        centre=(100.25, 140.5),
        radius=90.0,
        angle=0.0,
        size=SIZE,
        clutter=0.0,
        seed=1,
    )
    return replace(truth, **changes)


def cover(truth):
    return render(truth)[:, :, 0] / 255


def middles(pixels):
    """The rows and columns of the middles of pixels, as a truth counts them."""
    return np.indices(pixels.shape) + 0.5


def centroid(pixels):
    return (middles(pixels) * pixels).sum(axis=(1, 2)) / pixels.sum()


def digest(shapes, order):
    drawn = {index: shapes[index][0].tobytes() for index in order}
    return sha256(b"".join(drawn[index] for index in sorted(drawn))).hexdigest()


def luminance(colour):
    """As the Web Content Accessibility Guidelines have it."""
    level = np.array(colour) / 255
    linear = np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def test_an_item_is_an_image_and_its_label():
    image, label = Shapes(30, size=48)[7]
    assert image.shape == (48, 48, 3)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert type(label) is int


def test_it_counts_from_the_end_and_ends():
    shapes = Shapes(5, size=16)
    assert len(shapes) == len(list(shapes)) == 5
    assert np.array_equal(shapes[-1][0], shapes[4][0])
    assert shapes.truth(-5) == shapes.truth(np.int64(0))
    for beyond in (5, -6):
        with pytest.raises(IndexError):
            shapes[beyond]
        with pytest.raises(IndexError):
            shapes.truth(beyond)


def test_an_image_is_the_same_in_any_order_and_process():
    code = (
        "from hashlib import sha256; from zfwidgets.data.shapes import Shapes; shapes = Shapes(40, size=32, seed=3);"
        "print(sha256(b''.join(shapes[index][0].tobytes() for index in range(9, 24))).hexdigest())"
    )
    elsewhere = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    shapes = Shapes(40, size=32, seed=3)
    assert digest(shapes, range(23, 8, -1)) == digest(shapes, range(9, 24)) == elsewhere


def test_the_count_changes_no_image():
    few, many = Shapes(13, size=24), Shapes(1000, size=24)
    assert many.targets[:13] == few.targets
    assert all(many.truth(index) == few.truth(index) for index in range(13))
    assert digest(few, range(13)) == digest(many, range(13))


def test_the_seed_changes_everything():
    one, other = Shapes(24, seed=0), Shapes(24, seed=1)
    assert one.targets != other.targets
    for index in range(24):
        assert one.truth(index).seed != other.truth(index).seed
        assert one.truth(index).centre != other.truth(index).centre


def test_fewer_forms_change_the_form_alone():
    every, some = Shapes(9), Shapes(9, forms=["heart", "bar"])
    assert some.classes == ("heart", "bar")
    assert set(some.targets) == {0, 1}
    for index in range(9):
        truth = some.truth(index)
        assert truth.form == some.classes[truth.label]
        assert replace(truth, form="disc", label=0) == replace(every.truth(index), form="disc", label=0)
    assert Shapes(forms="heart").classes == ("heart",)


def test_labels_are_balanced():
    shapes = Shapes(1000)
    counts = Counter(shapes.targets)
    assert sorted(counts) == list(range(12))
    assert max(counts.values()) - min(counts.values()) <= 1
    assert all(sorted(shapes.targets[start : start + 12]) == list(range(12)) for start in range(0, 984, 12))


def test_labels_are_shuffled():
    first = Counter(Shapes(12, seed=seed).targets[0] for seed in range(600))
    assert len(first) == 12
    assert max(first.values()) < 90  # 50 expected, standard deviation 7


def test_targets_labels_and_truths_agree():
    shapes = Shapes(30, size=16, seed=5)
    for index, target in enumerate(shapes.targets):
        truth = shapes.truth(index)
        assert shapes[index][1] == truth.label == target
        assert shapes.classes[target] == truth.form


def test_the_rest_does_not_depend_on_the_form():
    shapes = Shapes(3600)
    truths = [shapes.truth(index) for index in range(len(shapes))]
    pairs = Counter((truth.form, truth.texture) for truth in truths)
    assert len(pairs) == 12 * 5
    assert max(pairs.values()) < 100  # 60 expected, standard deviation 8
    for form in shapes.classes:
        own = [truth for truth in truths if truth.form == form]
        assert np.mean([truth.radius for truth in own]) == pytest.approx(0.26 * 64, rel=0.04)
        assert np.mean([truth.centre for truth in own], axis=0) == pytest.approx([32, 32], abs=2.5)
        assert np.mean([truth.angle for truth in own]) == pytest.approx(180, abs=25)


def test_the_form_lies_whole_within_the_image():
    shapes = Shapes(500, size=100)
    for truth in map(shapes.truth, range(500)):
        assert min(truth.centre) - truth.radius > 2.9
        assert max(truth.centre) + truth.radius < 97.1


def test_the_form_stands_out_from_its_ground():
    shapes = Shapes(500)
    for truth in map(shapes.truth, range(500)):
        assert contrast(truth.colour, truth.ground) > 1.9
        assert contrast(truth.accent, truth.ground) > 1.9
        assert contrast(truth.accent, truth.colour) > 1.2


def test_the_clutter_does_not_hide_the_form():
    shapes = Shapes(200)
    row, column = middles(np.zeros((64, 64)))
    for index in range(200):
        truth = shapes.truth(index)
        far = np.hypot(row - truth.centre[0], column - truth.centre[1])
        about = shapes[index][0][(far > truth.radius + 1) & (far < truth.radius + 5)].mean(axis=0)
        assert contrast(truth.colour, about) > 1.5


def test_a_truth_is_made_of_plain_numbers():
    kinds = {type(value) for value in astuple(Shapes(3).truth(2))}
    assert kinds == {str, int, float, tuple}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("angle", [0.0, 77.0])
def test_the_truth_tells_place_and_size(form, angle):
    truth = alone(form, angle=angle)
    pixels = cover(truth)
    assert centroid(pixels) == pytest.approx(truth.centre, abs=0.1)
    assert pixels.sum() == pytest.approx(AREAS[form] * truth.radius**2, rel=0.003)
    row, column = middles(pixels)
    far = np.hypot(row - truth.centre[0], column - truth.centre[1])[pixels >= 0.5].max()
    assert truth.radius - 2.5 < far < truth.radius + 0.5


@pytest.mark.parametrize("size", [16, 37])
def test_small_forms_are_right_to_within_a_pixel(size):
    for form in FORMS:
        truth = alone(form, size=size, centre=(0.45 * size, 0.53 * size), radius=0.3 * size, angle=20.0)
        pixels = cover(truth)
        assert centroid(pixels) == pytest.approx(truth.centre, abs=0.35)
        assert pixels.sum() == pytest.approx(AREAS[form] * truth.radius**2, rel=0.07)


def test_the_truth_of_an_item_describes_its_image():
    shapes = Shapes(240, size=96, clutter=0)
    plain = [index for index in range(240) if shapes.truth(index).texture == "plain"]
    assert len(plain) > 20
    for index in plain:
        truth, image = shapes.truth(index), shapes[index][0].astype(float)
        step = np.subtract(truth.colour, truth.ground)
        pixels = (image - truth.ground) @ step / (step @ step)
        assert centroid(pixels) == pytest.approx(truth.centre, abs=0.2)
        assert pixels.sum() == pytest.approx(AREAS[truth.form] * truth.radius**2, rel=0.02)
        assert tuple(image[pixels > 0.999].mean(axis=0)) == truth.colour
        assert tuple(image[pixels < 0.001].mean(axis=0)) == truth.ground


def test_upright_forms_point_up():
    heart, triangle, arrow = (cover(alone(form, centre=(128.0, 128.0))) for form in ("heart", "triangle", "arrow"))
    assert heart[30:40].sum() == 0 < heart[205:215].sum()  # its tip is the farthest, 90 below the middle
    assert 0 < triangle[38:48].sum() < triangle[160:170].sum()
    assert arrow[45:50].sum() < arrow[120:125].sum() > arrow[200:205].sum()
    assert arrow[200:205].sum() == pytest.approx(5 * 45, abs=0.1)  # the shaft


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("texture", TEXTURES)
def test_a_quarter_turn_is_counter_clockwise(form, texture):
    truth = alone(form, texture=texture, accent=(250, 100, 0), centre=(128.0, 128.0), angle=10.0)
    turned = render(replace(truth, angle=100.0)).astype(int)
    assert np.abs(turned - np.rot90(render(truth))).max() <= 1


@pytest.mark.parametrize("form", FORMS)
def test_the_smallest_turn_that_changes_nothing(form):
    across, up = np.random.default_rng(0).uniform(-1.2, 1.2, (2, 40, 50))

    def turned(angle):
        place = (across + 1j * up) * np.exp(-1j * np.radians(angle))
        return FORMS[form].distance(place.real, place.imag)

    turn = alone(form).turn
    smaller = range(1, 360) if turn == 0 else [turn / part for part in range(2, 8)]
    same = [np.allclose(turned(angle), turned(0), atol=1e-9) for angle in smaller]
    assert all(same) if turn == 0 else not any(same)
    assert np.allclose(turned(turn), turned(0), atol=1e-9)


@pytest.mark.parametrize("form", FORMS)
def test_a_symmetric_form_is_the_same_to_the_last_bit(form):
    truth = alone(form, angle=12.5, size=64, centre=(30.1, 33.7), radius=19.3)
    same = render(replace(truth, angle=12.5 + (truth.turn or 41.0)))
    assert np.array_equal(same, render(truth))


def test_a_disc_looks_the_same_at_every_angle_and_a_bar_does_not():
    disc, bar = Shapes(1, forms="disc").truth(0), Shapes(1, forms="bar").truth(0)
    plain = {form: replace(truth, texture="plain", angle=0.0) for form, truth in (("disc", disc), ("bar", bar))}
    for angle in (1.0, 45.0, 123.4, 359.0):
        assert np.array_equal(render(replace(plain["disc"], angle=angle)), render(plain["disc"]))
        assert not np.array_equal(render(replace(plain["bar"], angle=angle)), render(plain["bar"]))
    striped = replace(disc, texture="stripes", angle=0.0)
    assert not np.array_equal(render(replace(striped, angle=45.0)), render(striped))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("texture", TEXTURES)
def test_a_move_by_whole_pixels_moves_every_level(form, texture):
    truth = alone(form, texture=texture, accent=(40, 90, 200), size=64, centre=(20.3, 24.71), radius=15.2, angle=33.3)
    moved = render(replace(truth, centre=(20.3 + 7, 24.71 + 12)))
    assert np.array_equal(moved, np.roll(render(truth), (7, 12), axis=(0, 1)))


def test_a_form_may_leave_the_image():
    truth = alone("star", size=64, radius=20.0)
    whole = render(replace(truth, size=128, centre=(60.0, 64.0)))
    assert np.array_equal(render(replace(truth, centre=(0.0, 64.0))), whole[60:124, :64])
    for outside in ((-500.0, 30.0), (30.0, 85.5), (84.0, 84.0), (30.0, -22.0)):
        assert not render(replace(truth, centre=outside)).any()


def test_the_ground_stays_when_the_form_changes():
    truth = replace(Shapes(1, forms="bar").truth(0), texture="noise", centre=(30.0, 34.0), radius=14.0)
    row, column = middles(np.zeros((64, 64)))
    outside = np.hypot(row - 30, column - 34) > 15
    changes = [{"angle": 200.0}, {"form": "ring"}, {"radius": 9.0}, {"texture": "dots"}, {"colour": (1, 2, 3)}]
    for change in changes:
        changed = render(replace(truth, **change))
        assert np.array_equal(changed[outside], render(truth)[outside])
        assert not np.array_equal(changed, render(truth))
    assert not np.array_equal(render(replace(truth, seed=truth.seed + 1))[outside], render(truth)[outside])


def test_clutter_grows_from_none():
    truth = replace(Shapes(1).truth(0), radius=0.001, centre=(0.0, 0.0), ground=(120, 130, 140))
    spreads = [render(replace(truth, clutter=amount)).std(axis=(0, 1)).mean() for amount in (0, 0.3, 1, 2)]
    assert spreads[0] == 0
    assert spreads == sorted(spreads)
    assert 4 < spreads[2] < 40
    assert (render(replace(truth, clutter=0)) == truth.ground).all()


@pytest.mark.parametrize("size", [32, pytest.param(200, marks=pytest.mark.slow)])
def test_the_ellipses_of_the_clutter_are_where_they_were_drawn(size):
    drawn, again = np.random.default_rng(5), np.random.default_rng(5)
    levels = _quadratic_forms(drawn, size) @ _monomials(size)
    x, y = again.uniform(-0.5, 0.5, (2, len(levels)))
    angle = again.uniform(0, math.pi, len(levels))
    row, column = (axis.ravel() / size - 0.5 for axis in middles(np.zeros((size, size))))
    for level, place, turn, length, width in zip(
        levels, x + 1j * y, np.exp(-1j * angle), *_lengths_and_widths(again), strict=True
    ):
        about = (column + 1j * row - place) * turn
        outside = (about.real / length) ** 2 + (about.imag / width) ** 2 - 1
        assert level == pytest.approx(0.5 - outside * width * size / 2, rel=1e-3, abs=1e-2)


@pytest.mark.parametrize("texture", [name for name in TEXTURES if name != "plain"])
def test_a_texture_shows_both_colours_within_the_form_alone(texture):
    truth = alone("disc", texture=texture, colour=(200, 0, 0), accent=(0, 200, 0))
    image = render(truth).astype(float)
    plain = cover(replace(truth, texture="plain", colour=(255, 255, 255)))
    assert image[:, :, :2].sum(axis=2) == pytest.approx(200 * plain, abs=1.5)  # each of the two is rounded
    assert 0.15 < image[:, :, 1].sum() / image.sum() < 0.6
    # the edge between the colours is about a pixel wide: few pixels mix them
    inside = image[plain == 1]
    assert np.mean((inside[:, 0] > 20) & (inside[:, 1] > 20)) < 0.2


def test_a_texture_grows_with_its_form():
    truth = alone("disc", texture="checks", accent=(0, 0, 0), centre=(128.0, 128.0), radius=120.0)
    small = render(replace(truth, radius=60.0))[64:192, 64:192, 0].astype(float)
    shrunk = render(truth)[:, :, 0].reshape(128, 2, 128, 2).mean(axis=(1, 3))
    assert np.abs(small - shrunk).mean() < 3


def test_another_size_shows_the_same_scene():
    small, large = Shapes(24, size=64, seed=2), Shapes(24, size=128, seed=2)
    for index in range(24):
        truth, twice = small.truth(index), large.truth(index)
        row, column = truth.centre
        assert twice == replace(truth, size=128, radius=2 * truth.radius, centre=(2 * row, 2 * column))
        assert np.array_equal(render(truth, 128), large[index][0])
        shrunk = large[index][0].reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
        assert np.abs(shrunk - small[index][0]).mean() < 2


@pytest.mark.parametrize("size", [16, 17, 227, 512])
def test_every_size_is_drawn(size):
    image, _ = Shapes(3, size=size)[1]
    assert image.shape == (size, size, 3)
    assert image.std() > 5


def test_it_travels_to_other_processes():
    shapes = Shapes(30, size=32, seed=4, forms=("disc", "star"), clutter=0.5)
    travelled = pickle.loads(pickle.dumps(shapes))
    assert travelled == shapes
    assert np.array_equal(travelled[11][0], shapes[11][0])
    assert pickle.loads(pickle.dumps(shapes.truth(3))) == shapes.truth(3)


def test_a_data_loader_takes_it():
    pictures, labels = next(iter(DataLoader(Shapes(10, size=20), batch_size=6)))
    assert tuple(pictures.shape) == (6, 20, 20, 3)
    assert labels.tolist() == list(Shapes(10).targets[:6])


def test_images_takes_it_with_its_labels():
    shapes = Shapes(10, size=20)
    collection = images(shapes)
    assert collection.labels == shapes.targets
    assert np.array_equal(collection[8], shapes[8][0])


def test_it_needs_no_torch():
    code = "import sys, zfwidgets.data.shapes; print({'torch', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"count": 0}, "count is the number of images, 1 or more, and this is 0"),
        ({"size": 15}, "from 16 to 512 pixels, and this is 15"),
        ({"size": 513}, "from 16 to 512 pixels, and this is 513"),
        ({"seed": -1}, "a seed is a whole number, 0 or more, and this is -1"),
        ({"clutter": -0.1}, "clutter goes from 0.* and this is -0.1"),
        ({"clutter": math.nan}, "clutter goes from 0.* and this is nan"),
        ({"forms": ()}, "one or more of disc, ring"),
        ({"forms": ("star", "disc", "star")}, "'star' is named twice"),
        ({"forms": ("hart",)}, "no form is called 'hart'; perhaps 'heart'"),
        ({"forms": "zzz"}, "no form is called 'zzz'; there are disc, ring"),
    ],
)
def test_a_data_set_that_cannot_be_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Shapes(**wrong)


@pytest.mark.parametrize("wrong", [{"count": 2.5}, {"size": 64.0}, {"seed": "1"}])
def test_what_is_counted_is_a_whole_number(wrong):
    with pytest.raises(TypeError, match="integer"):
        Shapes(**wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"form": "dics"}, "no form is called 'dics'; perhaps 'disc'"),
        ({"texture": "stripe"}, "no texture is called 'stripe'; perhaps 'stripes'"),
        ({"radius": 0.0}, "a radius is more than 0 pixels, and this is 0.0"),
        ({"radius": math.nan}, "a radius is more than 0 pixels, and this is nan"),
        ({"size": 8}, "from 16 to 512 pixels, and this is 8"),
        ({"clutter": 11}, "and this is 11"),
    ],
)
def test_a_truth_that_cannot_be_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        replace(alone("disc"), **wrong)


def test_a_picture_of_another_size_is_refused():
    with pytest.raises(ValueError, match="from 16 to 512 pixels, and this is 1024"):
        render(alone("disc"), 1024)
