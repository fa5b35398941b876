"""What the canvas promises without a browser: what each gesture hides, what can be undone, what is sent and when."""

import json
import threading

import numpy as np
import pytest
import traitlets
from ipycanvas.canvas import _CANVAS_MANAGER, _CMD_LIST

from zfwidgets.widgets.canvas import DrawingCanvas, runs
from zfwidgets.widgets.canvas.masked import HISTORY
from zfwidgets.widgets.canvas.sheet import drawing
from zfwidgets.widgets.canvas.strokes import rectangle, stroke
from zfwidgets.widgets.panel.still import still

SHAPE = (40, 70)
PICTURE, FILLING = np.random.default_rng(0).integers(0, 256, (2, *SHAPE, 3), np.uint8)


@pytest.fixture
def canvas():
    made = DrawingCanvas(size=(8, 12), brush=7, step=5)
    made.show(PICTURE, FILLING)
    return made


@pytest.fixture
def sent(monkeypatch):
    """The messages that canvases send to the browser, each a list of (command, arguments)."""
    messages = []

    def keep(content, buffers=()):
        commands = json.loads(bytes(buffers[0]))
        messages.append([(_CMD_LIST[command[0]], *command[1:2]) for command in commands])

    monkeypatch.setattr(_CANVAS_MANAGER, "send", keep)
    return messages


def box_mask(top, left, bottom, right):
    mask = np.zeros(SHAPE, bool)
    mask[top:bottom, left:right] = True
    return mask


def drag(canvas, *places):
    """From place to place; a place is (row, column)."""
    canvas.press(*places[0][::-1])
    for row, column in places[1:]:
        canvas.move(column, row)
    canvas.release(*places[-1][::-1])


def distances(start, end):
    """From each pixel's centre to the nearest of many points of a line."""
    points = np.linspace(start, end, 2001)
    centres = np.stack(np.meshgrid(*(np.arange(side) + 0.5 for side in SHAPE), indexing="ij"), -1)
    return np.min([np.hypot(*np.moveaxis(centres - point, -1, 0)) for point in points], axis=0)


def changes(canvas, name):
    heard = []
    canvas.observe(lambda change: heard.append(change.new), names=name)
    return heard


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ((10.2, 8.9), (31.7, 55.1)),
        ((31, 8), (10, 60)),
        ((20.5, 20.5), (20.5, 20.5)),
        ((-9, 30), (12, 90)),
        ((5, 3), (5, 60)),
    ],
)
@pytest.mark.parametrize("brush", [2, 7, 24])
def test_a_stroke_hides_the_pixels_within_half_a_brush_of_its_line(start, end, brush):
    distance = distances(start, end)
    hidden = stroke(SHAPE, start, end, brush)
    certain = abs(distance - brush / 2) > 1e-3
    assert (hidden == (distance <= brush / 2))[certain].all()


@pytest.mark.parametrize("place", [(3.02, 4.98), (3, 4), (3.5, 4.5), (3.999, 4.001)])
def test_the_thinnest_brush_hides_the_pixel_under_it(place):
    assert stroke(SHAPE, place, place, 1)[3, 4]


def test_strokes_outside_the_picture_hide_nothing():
    for start, end in (((-30, -30), (-20, 90)), ((60, 90), (90, 99)), ((20, -90), (20, -20))):
        assert not stroke(SHAPE, start, end, 9).any()


def test_rows_of_pixels_are_found_whatever_lies_between():
    pixels = np.random.default_rng(3).random(SHAPE) < 0.5
    drawn = np.zeros(SHAPE, bool)
    for row, start, end in zip(*runs(pixels), strict=True):
        assert not drawn[row, start:end].any()
        drawn[row, start:end] = True
    assert (drawn == pixels).all()


@pytest.mark.parametrize("corner", [(3, 5), (3, 31), (17, 5), (17, 31)])
def test_a_rectangle_may_be_dragged_from_any_corner(canvas, corner):
    canvas.tool = "rectangle"
    drag(canvas, corner, (9, 9), (20 - corner[0], 36 - corner[1]))
    assert (canvas.mask == box_mask(3, 5, 17, 31)).all()


def test_a_rectangle_ends_at_the_picture_and_at_the_nearest_pixel():
    assert rectangle(SHAPE, (10.4, 99), (-5, 12.6)) == (0, 13, 10, 70)


def test_a_click_with_the_rectangle_hides_nothing_and_is_no_step(canvas):
    canvas.tool = "rectangle"
    drag(canvas, (5, 5))
    assert not canvas.mask.any()
    assert not canvas.can_undo


def test_a_brush_joins_the_points_that_it_receives(canvas):
    canvas.tool = "brush"
    drag(canvas, (10, 10), (30, 20), (25, 60))
    assert (canvas.mask == stroke(SHAPE, (10, 10), (30, 20), 7) | stroke(SHAPE, (30, 20), (25, 60), 7)).all()


def test_an_eraser_shows_again_what_it_passes(canvas):
    canvas.put(np.ones(SHAPE, bool))
    canvas.tool = "eraser"
    drag(canvas, (10, 10), (30, 60))
    assert (canvas.mask == ~stroke(SHAPE, (10, 10), (30, 60), 7)).all()


def test_the_mask_is_new_once_a_gesture_and_cannot_be_changed(canvas):
    canvas.tool, heard = "brush", changes(canvas, "mask")
    drag(canvas, *((10, column) for column in range(5, 60)))
    drag(canvas, (30, 30))
    assert [mask.sum() for mask in heard] == [heard[0].sum(), heard[1].sum()]
    assert heard[0] is not heard[1]
    assert (heard[0] < heard[1]).any()
    with pytest.raises(ValueError, match="read-only"):
        canvas.mask[0, 0] = True


def test_a_gesture_is_seen_before_it_ends_and_known_after(canvas, sent):
    canvas.tool, heard = "brush", changes(canvas, "mask")
    canvas.press(10, 10)
    canvas.move(30, 10)
    assert len(sent) >= 2
    assert heard == []


def test_a_gesture_ends_with_the_tool_that_it_began_with(canvas):
    canvas.tool = "rectangle"
    canvas.press(5, 3)
    canvas.tool = "eraser"
    canvas.move(31, 17)
    canvas.release(31, 17)
    assert (canvas.mask == box_mask(3, 5, 17, 31)).all()


def test_a_drag_goes_on_outside_the_picture(canvas):
    canvas.tool = "brush"
    canvas.press(60, 20)
    canvas.leave(75, 20)
    canvas.move(90, 20)
    canvas.move(60, 60)
    canvas.release(40, 60)
    assert (canvas.mask == stroke(SHAPE, (20, 60), (20, 90), 7) | stroke(SHAPE, (20, 90), (60, 60), 7)).all()


def test_a_release_that_never_came_is_made_up_for_at_the_next_press(canvas):
    canvas.tool = "rectangle"
    canvas.press(5, 3)
    canvas.move(31, 17)
    drag(canvas, (30, 40), (35, 50))
    assert (canvas.mask == box_mask(3, 5, 17, 31) | box_mask(30, 40, 35, 50)).all()
    canvas.undo()
    assert (canvas.mask == box_mask(3, 5, 17, 31)).all()


def test_the_square_follows_the_pointer_and_stays_inside(canvas):
    heard = changes(canvas, "square")
    for x, y in ((30, 20), (0, 0), (69, 39), (500, -500)):
        canvas.move(x, y)
    canvas.leave()
    assert heard == [(16, 24), (0, 0), (32, 58), (0, 58), None]


def test_what_is_hidden_is_the_mask_with_the_square_in_it(canvas):
    canvas.put(box_mask(0, 0, 5, 5))
    canvas.move(30, 20)
    assert (canvas.hidden == box_mask(0, 0, 5, 5) | box_mask(16, 24, 24, 36)).all()
    assert (canvas.mask == box_mask(0, 0, 5, 5)).all()
    canvas.leave()
    assert (canvas.hidden == canvas.mask).all()


def test_a_click_leaves_the_square_where_it_is(canvas):
    canvas.move(30, 20)
    drag(canvas, (20, 30))
    assert (canvas.mask == box_mask(16, 24, 24, 36)).all()
    assert canvas.square == (16, 24)


def test_a_square_larger_than_the_picture_hides_all_of_it(canvas):
    canvas.size = (100, 100)
    canvas.move(30, 20)
    assert canvas.square == (0, 0)
    assert canvas.hidden.all()


def test_another_tool_or_size_takes_the_square_away(canvas):
    for name, value in (("tool", "brush"), ("tool", "square"), ("size", (5, 5))):
        canvas.move(30, 20)
        setattr(canvas, name, value)
        assert canvas.square is None


def test_a_tap_hides_and_a_dragged_finger_only_moves_the_square(canvas):
    canvas.touch([(30, 20)])
    canvas.slide([(50, 20)])
    canvas.lift([])
    assert (canvas.square, canvas.can_undo) == ((16, 44), False)
    canvas.touch([(30, 20), (60, 30)])
    canvas.lift([])
    assert (canvas.mask == box_mask(16, 24, 24, 36)).all()


def test_a_finger_draws_with_the_brush(canvas):
    canvas.tool = "brush"
    canvas.touch([(10, 10)])
    canvas.slide([(30, 15)])
    canvas.lift([])
    assert (canvas.mask == stroke(SHAPE, (10, 10), (15, 30), 7)).all()


def test_arrow_keys_move_the_square_whatever_the_tool(canvas):
    canvas.tool = "brush"
    canvas.focus(True)
    assert canvas.square == (16, 29)
    for key in ("ArrowDown", "ArrowLeft", "ArrowLeft"):
        canvas.key(key)
    assert canvas.square == (21, 19)
    canvas.key("ArrowUp", shift=True)
    canvas.key("ArrowRight", shift=True)
    assert canvas.square == (20, 20)
    for _ in range(9):
        canvas.key("ArrowUp")
    assert canvas.square == (0, 20)
    canvas.focus(False)
    assert canvas.square is None
    canvas.key("ArrowDown")
    assert canvas.square == (0, 20), "the first key shows where it was"


@pytest.mark.parametrize("key", ["Enter", " "])
@pytest.mark.parametrize("undo", [("Backspace",), ("Delete",), ("z", False, True), ("Z", False, False, True)])
def test_keys_hide_what_the_square_covers_and_undo_it(canvas, key, undo):
    canvas.key(key)
    assert not canvas.can_undo, "the first key only shows the square"
    canvas.key(key)
    assert (canvas.mask == box_mask(16, 29, 24, 41)).all()
    canvas.key(*undo)
    assert not canvas.mask.any()


def test_every_gesture_can_be_undone_and_clear_too(canvas):
    canvas.put(box_mask(0, 0, 5, 5))
    canvas.put(box_mask(9, 9, 30, 30))
    canvas.clear()
    canvas.clear()
    seen = []
    while canvas.can_undo:
        canvas.undo()
        seen.append(int(canvas.mask.sum()))
    assert seen == [21 * 21, 25, 0]
    canvas.undo()
    assert not canvas.mask.any()


def test_the_history_is_long_but_ends(canvas):
    for column in range(1, 70):
        canvas.put(box_mask(0, 0, 1, column))
    for _ in range(69):
        canvas.undo()
    assert HISTORY >= 30
    assert canvas.mask.sum() == 69 - HISTORY


def test_a_picture_of_the_same_size_keeps_the_mask_and_another_begins_anew(canvas):
    canvas.put(box_mask(0, 0, 5, 5))
    canvas.show(FILLING, PICTURE)
    assert canvas.mask.sum() == 25
    assert canvas.can_undo
    canvas.move(60, 30)
    canvas.show(np.zeros((70, 40, 3), np.uint8), np.ones((70, 40, 3), np.uint8))
    assert canvas.mask.shape == (70, 40)
    assert not canvas.hidden.any()
    assert not canvas.can_undo
    assert canvas.square is None


@pytest.mark.parametrize(
    ("mask", "words"),
    [(np.zeros(SHAPE), "bool .* not float64"), (np.zeros((70, 40), bool), r"\(40, 70\), .*\(70, 40\)")],
)
def test_what_is_no_mask_is_refused_in_words(canvas, mask, words):
    with pytest.raises(ValueError, match=words):
        canvas.put(mask)


def test_a_filling_of_another_size_is_refused_and_the_old_one_stays(canvas):
    canvas.put(box_mask(0, 0, 5, 5))
    with pytest.raises(ValueError, match="one shape"):
        canvas.show(PICTURE, FILLING[1:])
    assert canvas.mask.sum() == 25


def test_a_given_mask_is_copied(canvas):
    mask = box_mask(0, 0, 5, 5)
    canvas.put(mask)
    mask[:] = True
    assert canvas.mask.sum() == 25


def test_a_misspelt_or_impossible_setting_is_refused():
    with pytest.raises(TypeError, match="DrawingCanvas has no setting 'brsh'; did you mean 'brush'"):
        DrawingCanvas(brsh=3)
    for setting in ({"tool": "pencil"}, {"brush": 0}, {"size": (0, 3)}, {"step": 0}, {"mask": PICTURE}):
        with pytest.raises(traitlets.TraitError):
            DrawingCanvas(**setting)


def test_every_setting_is_explained():
    own = set(DrawingCanvas.class_trait_names()) - set(DrawingCanvas.__mro__[1].class_trait_names())
    assert [name for name in own if not DrawingCanvas.class_traits()[name].help] == []


def test_a_moving_square_is_one_small_message_without_pixels(canvas, sent):
    canvas.move(30, 20)
    sent.clear()
    canvas.move(31, 20)
    assert len(sent) == 1
    commands = [command for command, *_ in sent[0]]
    assert "putImageData" not in commands
    assert ("clearRect", [24, 16, 13, 8]) in sent[0]


def test_each_message_names_its_canvas_for_pages_that_know_of_none(canvas, sent):
    canvas.tool = "brush"  # from now on only the outline moves
    canvas.move(30, 20)
    canvas.move(40, 20)
    assert [message[0][0] for message in sent] == ["switchCanvas"] * len(sent)


def test_a_new_page_gets_everything_once_more(canvas, sent):
    canvas.put(box_mask(3, 5, 17, 31))
    sent.clear()
    canvas._sheet.canvas[2]._handle_frontend_event(None, {"event": "client_ready"}, [])
    assert len(sent) == 1
    assert [command for command, *_ in sent[0]].count("putImageData") == 2
    assert ("clearRect", [5, 3, 26, 14]) in sent[0]


def test_drawing_is_sent_again_after_an_exception(canvas, sent):
    with pytest.raises(RuntimeError, match="in the middle"), drawing():
        raise RuntimeError("in the middle")
    assert not _CANVAS_MANAGER._caching
    other = threading.Thread(target=canvas.move, args=(30, 20))
    other.start()
    other.join(5)
    assert not other.is_alive()
    assert len(sent) == 1


def test_two_threads_never_draw_on_each_others_canvas(sent):
    canvases = [DrawingCanvas(), DrawingCanvas()]
    for canvas in canvases:
        canvas.show(PICTURE, FILLING)
    sent.clear()
    threads = [threading.Thread(target=wiggle, args=(canvas,)) for canvas in canvases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    owned = [
        {part.model_id for part in (*c._sheet.canvas._canvases, c._sheet._paint, c._sheet._stencil)} for c in canvases
    ]
    for message in sent:
        used = {arguments[0].removeprefix("IPY_MODEL_") for command, arguments in message if command == "switchCanvas"}
        assert any(used <= parts for parts in owned)
    assert len(sent) == 2 * 200


def wiggle(canvas):
    for i in range(200):
        canvas.move(i % 70, i % 40)


def test_a_page_without_a_kernel_shows_it_as_a_picture(canvas):
    canvas.description = "A dog & a ball"
    canvas.put(box_mask(3, 5, 17, 31))
    canvas.move(60, 30)
    picture = canvas.as_picture()
    shown = np.frombuffer(picture.pixels, np.uint8).reshape(*SHAPE, 4)[..., :3]
    assert (shown == np.where(canvas.hidden[..., np.newaxis], FILLING, PICTURE)).all()
    assert picture.boxes == ((26, 54, 34, 66),)
    assert "alt='A dog &amp; a ball'" in still(canvas)
    assert still(canvas).count("<img") == 1
