"""What the invariance explorer can be set to."""

from __future__ import annotations

from typing import Any

import traitlets as T


class ParameterValue(T.Float[float, Any]):
    """A value of the chosen transformation's parameter, in its own unit and range."""

    def validate(self, obj: Any, value: Any) -> float:
        number = float(super().validate(obj, value))
        if obj.transform:
            values = obj.transformations[obj.transform].values
            if not values[0] <= number <= values[-1]:
                what = f"the values of {obj.transform!r} go from {values[0]:.4g} to {values[-1]:.4g}"
                raise ValueError(f"{what}; {number:.4g} was given")
        return number
