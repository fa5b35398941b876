"""What every panel gives in Python: its figure, its table, its result as a file, and the code of the call behind it."""

from dataclasses import fields

import matplotlib.figure
import numpy as np
import pandas
import pytest

import zfwidgets as zf

pytestmark = pytest.mark.slow

NET = zf.load("squeezenet1_1", device="cpu")


def explorer():
    return zf.FeatureExplorer(NET, image="coffee", layer="features.6.cat", unit=(3, 9), rule="guided")


def hiding():
    canvas = zf.OcclusionCanvas(NET, image="cat", layer="features.9.cat", target="tabby")
    canvas.canvas.put(np.pad(np.ones((40, 50), bool), ((60, 127), (30, 147))))
    return canvas


def swept():
    canvas = zf.OcclusionCanvas(NET, image="cat", size=90, stride=60)
    canvas.sweep()
    return canvas


def top_nine():
    return zf.TopNine(NET, layer="features.3.cat")


def invariance():
    return zf.InvarianceExplorer(NET, {"cat": zf.photograph("cat")}, transforms=[("rotation", [0, 90, 180])])


def correspondence():
    picture, part = zf.photograph("cat"), (50, 60, 90, 110)
    return zf.CorrespondenceLab(
        NET, {"a": picture, "b": picture[:, ::-1]}, {"eye": [part, part]}, layers=["features.5"]
    )


PANELS = [explorer, hiding, swept, top_nine, invariance, correspondence]


@pytest.fixture(params=PANELS, ids=lambda make: make.__name__, scope="module")
def panel(request):
    panel = request.param()
    assert panel.error == ""
    return panel


def test_a_notebook_can_show_it(panel):
    assert "application/vnd.jupyter.widget-view+json" in panel._repr_mimebundle_()


def test_it_gives_a_figure(panel):
    figure = panel.figure()
    assert isinstance(figure, matplotlib.figure.Figure)
    assert figure.axes or figure.subfigs


def test_it_gives_a_table(panel):
    table = panel.table()
    assert isinstance(table, pandas.DataFrame)
    assert len(table)


def test_its_result_can_be_saved_and_read(panel, tmp_path):
    results = panel.result if isinstance(panel.result, tuple) else (panel.result,)
    for result in results:
        result.save(tmp_path / "result")
        assert repr(type(result).load(tmp_path / "result")) == repr(result)


def equal(one, other):
    """Whether two results hold the same arrays."""
    for name in (field.name for field in fields(one)):
        values = [getattr(result, name) for result in (one, other)]
        if isinstance(values[0], np.ndarray) and values[0].dtype.kind in "biuf":
            np.testing.assert_allclose(*(np.nan_to_num(value, neginf=0) for value in values), rtol=1e-5, atol=1e-6)
        elif isinstance(values[0], dict):
            assert list(values[0]) == list(values[1])
            for key in values[0]:
                np.testing.assert_allclose(values[0][key], values[1][key], rtol=1e-5, atol=1e-6)
    return True


@pytest.mark.parametrize("make", [explorer, hiding, swept], ids=lambda make: make.__name__)
def test_its_code_gives_the_same_result(make):
    panel = make()
    *lines, call = panel.code().splitlines()
    names = {}
    exec("\n".join(lines), names)
    assert equal(eval(call, names), panel.answer)


def test_the_code_of_curves_and_parts_runs_once_the_images_are_named():
    for make in (invariance, correspondence):
        panel = make()
        *lines, call = panel.code().splitlines()
        names = {}
        exec("\n".join(lines), names)
        names["images"] = {name: panel.selection.images[name] for name in panel.selection.images}
        found = eval(call, names)
        assert found.layers == panel.answer.layers


def test_the_code_of_the_top_nine_gives_the_same_gallery():
    panel = top_nine()
    *lines, call = panel.code().splitlines()
    names = {}
    exec("\n".join(lines), names)
    assert equal(eval(call, names), panel.answer)


def test_without_a_result_it_says_so(network):
    panel = zf.TopNine(network, {"black": np.zeros((35, 51, 3), np.uint8)})
    with pytest.raises(ValueError, match="nothing has been computed yet"):
        panel.figure()


def test_code_of_other_networks_and_images_leaves_a_place_for_them(network, images):
    code = zf.FeatureExplorer(network, images, image="second").code()
    assert "net = ...  # your zfwidgets.Network" in code
    assert "image = ...  # your image 'second'" in code
    compile(code, "panel", "exec")
