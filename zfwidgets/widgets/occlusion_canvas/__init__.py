"""The occlusion canvas."""

from zfwidgets.widgets.occlusion_canvas.widget import OcclusionCanvas

__all__ = ["OcclusionCanvas"]
