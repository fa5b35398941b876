"""The feature explorer."""

from zfwidgets.widgets.feature_explorer.widget import FeatureExplorer

__all__ = ["FeatureExplorer"]
