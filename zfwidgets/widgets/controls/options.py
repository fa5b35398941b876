"""Controls built from what a panel's traits declare, and bound to them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import Any

import ipywidgets as W
import traitlets as T

from zfwidgets.widgets.controls.binding import bind
from zfwidgets.widgets.controls.class_box import ClassBox
from zfwidgets.widgets.controls.feature_slider import FeatureSlider
from zfwidgets.widgets.controls.image_picker import ImagePicker
from zfwidgets.widgets.controls.layout import classed, labelled, row
from zfwidgets.widgets.controls.network_strip import LayersStrip, LayerStrip, played
from zfwidgets.widgets.traits import ClassLabel, FeatureNumber, ImageName, LayerName, LayerNames, Number, OneOf, Option

LAYERS = "Early layers first: later ones see more of the image (§4.1)"


def chooser(option: Option) -> W.Widget:
    """A choice of values by their labels: a list to open, or buttons side by side."""
    if option.buttons:
        return _buttons(option.labels, option.label)
    return W.Dropdown(options=option.labels, layout=W.Layout(width=f"{option.width}px"))


def _buttons(options: Mapping[str, Any], name: str) -> W.ToggleButtons:
    return W.ToggleButtons(options=options, style=W.ToggleButtonsStyle(button_width="auto"), tooltip=name)


def control(panel: Any, name: str) -> W.Widget:
    """The labelled control of one of a panel's traits, bound to it; in style sheets it is `zf-` and its name."""
    trait = panel.traits()[name]
    inner, shown = built(trait, panel)
    panel.control_of[name] = inner
    classed(inner, f"zf-{name}")
    bind(inner, panel, name)
    return shown


@singledispatch
def built(trait: T.TraitType, panel: Any) -> tuple[Any, W.Widget]:
    """What has the value, and the same with its label. A kind of trait joins in by registering."""
    raise TypeError(f"nothing is known of a control for {type(trait).__name__}")


@built.register
def _option(trait: Option, panel: Any) -> tuple[Any, W.Widget]:
    inner = chooser(trait)
    return inner, labelled(trait.label, inner, trait.tooltip)


@built.register
def _one_of(trait: OneOf, panel: Any) -> tuple[Any, W.Widget]:
    inner = _buttons({trait.words.get(name, name): name for name in trait.names(panel)}, trait.label)
    return inner, labelled(trait.label, inner, trait.tooltip)


@built.register
def _number(trait: Number, panel: Any) -> tuple[Any, W.Widget]:
    value = getattr(panel, str(trait.name))
    inner = W.IntSlider(value, trait.least, trait.most_for(panel), layout=W.Layout(width=f"{trait.width}px"))
    return inner, labelled(trait.label, inner, trait.tooltip)


@built.register
def _image(trait: ImageName, panel: Any) -> tuple[Any, W.Widget]:
    picker = ImagePicker(panel.selection.images, panel.report, panel.net, panel.foreground, panel.direct)
    return picker, labelled("Image", picker, "What the network sees of each is outlined")


@built.register
def _layer(trait: LayerName, panel: Any) -> tuple[Any, W.Widget]:
    strip = LayerStrip(panel.net, panel.layer_names)
    return strip, classed(labelled("Layer", row(played(strip), strip), LAYERS), "zf-wide")


@built.register
def _feature(trait: FeatureNumber, panel: Any) -> tuple[Any, W.Widget]:
    slider: FeatureSlider = panel.feature_slider
    return slider, slider


@built.register
def _class(trait: ClassLabel, panel: Any) -> tuple[Any, W.Widget]:
    box = ClassBox(panel.net.labels)
    quantity = panel.net.scores.meaning.quantity
    return box, labelled("Target class", box, f"Whose {quantity} is mapped; empty: what the network says")


@built.register
def _layers(trait: LayerNames, panel: Any) -> tuple[Any, W.Widget]:
    strip = LayersStrip(panel.net, panel.layer_names, trait.most, panel.report)
    explanation = f"One to {trait.most}; a click puts one in or out. {LAYERS}"
    return strip, classed(labelled("Layers", strip, explanation), "zf-wide")
