"""How Sphinx makes the slides of the workshop; called by ``book/slides.py``."""

project = "Modular structures: the workshop"
author = "The procmod authors"
extensions = ["myst_parser", "sphinx_revealjs"]
myst_enable_extensions = ["colon_fence"]
revealjs_static_path = ["_static"]
revealjs_style_theme = "white"
revealjs_css_files = ["slides.css"]
revealjs_script_conf = {"hash": True, "slideNumber": True, "center": False, "transition": "none"}
revealjs_script_plugins = [
    {
        "src": "revealjs/plugin/notes/notes.js",
        "name": "RevealNotes",
    }
]
