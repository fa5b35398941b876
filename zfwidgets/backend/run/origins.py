"""Where units are computed first, and whether to compute each in its cone or all on whole images."""

from __future__ import annotations

import torch
from torch import Tensor

from zfwidgets.backend.graph.cone import Cone
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.run.units import Units

Origins = list[tuple[Cone, Tensor, Tensor]]  # a cone; which units it is for; the feature maps that they are in, there


def origins_of(program: Program, at: Step, units: Units) -> Origins:
    """The units by the step that first computes their feature map: each branch of a concatenation has a cone of its
    own. Empty where there are no cones."""
    places = [at.origin(feature) for feature in units.feature.tolist()]
    features = torch.tensor([feature for _, feature in places])
    rows, columns = units.row.tolist(), units.column.tolist()
    by_place = sorted(range(len(units)), key=lambda index: (rows[index], columns[index]))  # so that they are cut alike
    found: Origins = []
    for step in dict.fromkeys([at, *(step for step, _ in places)]):
        cone = Cone.of(program, step)
        if cone is None:
            return []
        which = torch.tensor([index for index in by_place if places[index][0] is step], dtype=torch.int64)
        found.append((cone, which, features[which]))
    return found


def cones_pay(program: Program, at: Step, units: Units, origins: Origins) -> bool:
    """Whether cones are fewer multiply–adds, up and down, than one way up an image and one way down a unit."""
    once = sum(step.macs for step in program.needed_for([at]))
    in_cones = sum(2 * cone.macs * len(which) for cone, which, _ in origins)
    return in_cones <= once * (len(units.image.unique()) + len(units))
