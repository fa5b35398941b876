"""Does hiding the same part change the features of different images in the same way? (§4.4, Table 1)"""

from zfwidgets.experiments.correspondence.compare import correspondence
from zfwidgets.experiments.correspondence.result import PAPER, RANDOM, Correspondence

__all__ = ["PAPER", "RANDOM", "Correspondence", "correspondence"]
