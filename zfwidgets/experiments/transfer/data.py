"""What a user gives as data, and what tells it from other data."""

from __future__ import annotations

from typing import Any

from zfwidgets.data import Labelled
from zfwidgets.data.sets import EMBEDDED, LabelledObjects, data_set


def labelled_data(data: Any) -> Labelled:
    """Images with one label each: as they are, or of an embedded data set by its name.

    Raises ValueError or TypeError where it is something else.
    """
    if isinstance(data, LabelledObjects):
        raise TypeError("these images have several objects each: zf.transfer_objects is made for them")
    if isinstance(data, str) and data in EMBEDDED:
        return data_set(data)
    found = Labelled.of(data)
    named = isinstance(data, Labelled) or hasattr(data, "classes")
    return found if named else found.occurring()  # numbers from 1 on, or years, leave gaps
