"""Sphinx configuration."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

from accord._version import __version__  # noqa: E402

project = "accord"
author = "the accord authors"
copyright = "2026, the accord authors"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx.ext.doctest",
    "catalogue_pages",
    "markdown_in_docstrings",
    "reference_pages",
    "loose_references",
]
exclude_patterns = ["_build", "_ext", "Thumbs.db", ".DS_Store"]
default_role = "literal"

# Markdown
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["config.cache"]

# Docstrings
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_class_signature = "mixed"
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 90

# Examples: those of docstrings are run by pytest, those of the pages by `-b doctest`.
doctest_test_doctest_blocks = ""
doctest_global_setup = "import numpy as np\nimport torch"

# HTML
html_theme = "furo"
html_title = f"accord {release}"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#2f5d8a", "color-brand-content": "#2f5d8a"},
    "dark_css_variables": {"color-brand-primary": "#8fb8de", "color-brand-content": "#8fb8de"},
}
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_copy_source = False
html_show_sourcelink = False
