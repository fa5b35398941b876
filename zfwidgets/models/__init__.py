"""Networks to look into: embedded, torchvision's, and one's own."""

from zfwidgets.models.groups import label_groups
from zfwidgets.models.load import load
from zfwidgets.models.main_layers import block_layers
from zfwidgets.models.network import Network
from zfwidgets.models.prediction import Prediction
from zfwidgets.models.preprocess import Preprocess
from zfwidgets.models.report import Report
from zfwidgets.models.required import require_network
from zfwidgets.models.scores import Meaning

__all__ = [
    "Meaning",
    "Network",
    "Prediction",
    "Preprocess",
    "Report",
    "block_layers",
    "label_groups",
    "load",
    "require_network",
]
