"""What the paper has of transfer (Tables 4, 5 and 7): ImageNet's ZFNet on Caltech-101 and Caltech-256."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zfwidgets.experiments.transfer.result import Transfer


@dataclass(frozen=True, repr=False)
class PaperTransfer:
    """The paper's accuracies on a data set, %: means over classes, 5 random splits, at most 50 tests a class."""

    data: str
    per_class: tuple[int, ...]  # images of each class that were learnt from
    pretrained: tuple[float, ...]  # a softmax on the layer below the classes
    scratch: tuple[float, ...]  # the same network, trained on these images alone
    earlier: tuple[float, ...]  # the best method before it
    layers: dict[str, tuple[float | None, float | None]]  # Table 7: an SVM and a softmax, with the most images

    def __repr__(self) -> str:
        counts = zip(self.per_class, self.pretrained, self.scratch, self.earlier, strict=True)
        layers = ((f"layer {layer}, {self.per_class[-1]} a class", *found) for layer, found in self.layers.items())
        return "\n".join([
            f"PaperTransfer ({self.data}, ZFNet, 5 random splits)",
            *(
                f"  {count} images a class: {pretrained}% right, from scratch {scratch}%, best method before {earlier}%"
                for count, pretrained, scratch, earlier in counts
            ),
            *(f"  {layer}: {_both(svm, softmax)}" for layer, svm, softmax in layers),
        ])  # fmt: skip


def _both(svm: float | None, softmax: float | None) -> str:
    return ", ".join(f"{name} {found}%" for name, found in (("SVM", svm), ("softmax", softmax)) if found is not None)


_PAPERS = (
    PaperTransfer(
        "Caltech-101", (15, 30), (83.8, 86.5), (22.8, 46.5), (73.2, 84.3),
        {
            "1": (44.8, None), "2": (66.2, None), "3": (72.3, None), "4": (76.6, None), "5": (86.2, 82.9),
            "7": (85.5, 85.4),
        },
    ),
    PaperTransfer(
        "Caltech-256", (15, 30, 45, 60), (65.7, 70.6, 72.7, 74.2), (9.0, 22.5, 31.2, 38.8), (40.5, 48.0, 51.9, 55.2),
        {
            "1": (24.6, None), "2": (39.6, None), "3": (46.0, None), "4": (51.3, None), "5": (65.6, 65.7),
            "7": (71.7, 72.6),
        },
    ),
)  # fmt: skip


_CLASSES = {"Caltech-101": (100, 101, 102), "Caltech-256": (256, 257)}


def papers_transfer(data: str = "Caltech-101") -> PaperTransfer:
    """What the paper has on a data set. Raises ValueError where it has nothing."""
    found = next((one for one in _PAPERS if one.data == data), None)
    if found is None:
        raise ValueError(f"the paper has {' and '.join(one.data for one in _PAPERS)}; not {data!r}")
    return found


def paper_beside(found: Transfer) -> PaperTransfer | None:
    """What the paper has on the same data by the same protocol; None where it has nothing.

    The same are all classes, with the background or without it, and faces merged or not; and a softmax.
    """
    paper = next((one for one in _PAPERS if one.data == found.data), None)
    whole = paper is not None and len(found.classes) in _CLASSES[paper.data]
    return paper if whole and found.classifier == "softmax" else None
