"""How Sphinx makes the site: `make docs` writes it to build/docs, offline, and every warning is an error."""

import sys
from pathlib import Path

import zfwidgets

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "zfwidgets"
author = "The zfwidgets developers"
copyright = author
release = version = zfwidgets.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "reference", "notebooks"]
exclude_patterns = ["examples", "extensions", "figures"]
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3

# Docstrings: Google's sections; a name in single backticks is a link where there is something to link to.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True}
autodoc_preserve_defaults = True
maximum_signature_line_length = 140
napoleon_numpy_docstring = False
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"

# Every class of ours that a signature names must be on some page. Others are at home elsewhere, and no page is fetched
# to look them up; what stands in backticks in a docstring is often no name at all.
nitpick_ignore_regex = [("py:obj", ".*"), ("py:class", r"(?!zfwidgets\.).*")]

html_theme = "furo"
html_title = "zfwidgets"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = html_show_sphinx = False
pygments_style = "github-light"
pygments_dark_style = "github-dark"
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#005a94",
        "color-brand-content": "#005a94",
        "color-brand-visited": "#005a94",
        "color-code-background": "#f5f7f9",
        "zf-ground": "#dcebf5",
    },
    "dark_css_variables": {
        "color-brand-primary": "#7cc4f5",
        "color-brand-content": "#7cc4f5",
        "color-brand-visited": "#7cc4f5",
        "color-code-background": "#1c2024",
        "zf-ground": "#16303f",
    },
}
