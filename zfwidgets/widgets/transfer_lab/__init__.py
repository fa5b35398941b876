"""Do the features carry over, and from which layer? (§4.3)"""

from zfwidgets.widgets.transfer_lab.widget import TransferLab

__all__ = ["TransferLab"]
