"""Networks side by side, errors against parameters, and a small network to build and train."""

from zfwidgets.widgets.architecture_lab.widget import ArchitectureLab

__all__ = ["ArchitectureLab"]
