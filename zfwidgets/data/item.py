"""What an item of a data set holds: an image, and perhaps its label."""

from collections.abc import Iterable, Mapping
from typing import Any

from PIL import Image

# the first that there is counts, however it is spelt: "Image Path" is image_path
IMAGE_KEYS = (
    "image", "img", "picture", "photo", "pixel_values", "pixels", "jpg", "jpeg", "png", "webp", "input", "inputs", "x",
    "path", "image_path", "img_path", "file", "file_name", "file_path",
)  # fmt: skip
LABEL_KEYS = ("label", "labels", "target", "targets", "class", "cls", "category", "fine_label", "y")


def image_of(item: Any) -> Any:
    """Return the image of an item, as it was given: what `decode` takes.

    An item is an image; a tuple or list that begins with one, whatever follows; or a dictionary with one under a key
    of `IMAGE_KEYS`. An image may be what Hugging Face's data sets store: {"bytes": …, "path": …}.

    Raises:
        ValueError: a dictionary without such a key, or an empty tuple.
    """
    if isinstance(item, Mapping):
        return _stored(item) if set(item) == {"bytes", "path"} else _under_key(item)
    if not isinstance(item, tuple | list):
        return item
    if not item:
        raise ValueError(f"there is no image in an empty {type(item).__name__}")
    return image_of(item[0]) if isinstance(item[0], tuple | Mapping) else item[0]


def label_of(item: Any) -> Any | None:
    """Return the label of an item, or None: what follows the image, or is under a key of `LABEL_KEYS`."""
    if isinstance(item, Mapping):
        key = find_key(item, LABEL_KEYS)
        return None if key is None else as_label(item[key])
    if not isinstance(item, tuple | list) or not item:
        return None
    within = label_of(item[0]) if isinstance(item[0], tuple | Mapping) else None  # ((image, label), index)
    return as_label(item[1]) if within is None and len(item) > 1 else within


def as_label(target: Any) -> Any | None:
    """Return what a data set gives with an image as its label, or None where that names no class.

    A scalar, or an array or tensor of one number, becomes the number that it holds. Pictures, lists, and dictionaries
    of boxes and masks are no labels.
    """
    if isinstance(target, Mapping):
        key = find_key(target, LABEL_KEYS)
        value = None if key is None else target[key]
        return as_label(value) if getattr(value, "ndim", 0) == 0 else None  # one number a box is no label
    if isinstance(target, tuple | list | Image.Image) or getattr(target, "ndim", 0) > 1:
        return None
    return target.item() if hasattr(target, "item") and getattr(target, "shape", ()) in ((), (1,)) else target


def find_key(keys: Iterable[Any], wanted: tuple[str, ...]) -> Any | None:
    """Return that of the keys which comes first among those wanted, however it is spelt; None if there is none."""
    spelt = {_letters(key): key for key in keys}
    return next((spelt[_letters(key)] for key in wanted if _letters(key) in spelt), None)


def _letters(key: Any) -> str:
    return "".join(filter(str.isalnum, str(key).lower()))


def _stored(image: Mapping[str, Any]) -> Any:
    return image["path"] if image["bytes"] is None else image["bytes"]


def _under_key(item: Mapping[Any, Any]) -> Any:
    key = find_key(item, IMAGE_KEYS)
    if key is None:
        raise ValueError(
            f"an item that is a dictionary has its image under one of {', '.join(IMAGE_KEYS)}, and this one has "
            f"{_listed(item)}; rename that of the image to 'image'"
        )
    value = item[key]
    return image_of(value) if isinstance(value, Mapping) else value


def _listed(item: Mapping[Any, Any]) -> str:
    keys = [repr(key) for key in item]
    more = f" and {len(keys) - 8} more" if len(keys) > 8 else ""
    return (", ".join(keys[:8]) or "nothing") + more
