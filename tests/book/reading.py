"""A rendered page as a reader meets it: its paragraphs, its first words, its links."""

import re
from html.parser import HTMLParser

BLOCKS = {"p", "figcaption", "td", "li"}
VOID = {"img", "br", "hr", "input", "meta", "link", "wbr"}


class Reader(HTMLParser):
    """Walks the article of a page.

    ``parts`` are (kind, text) in order, folds left out; ``prose`` are the paragraphs without their
    links and code.
    """

    def __init__(self):
        super().__init__()
        self.stack, self.parts, self.links = [], [], []
        self.text = self.plain = ""
        self.prose = []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "img":
            self.parts.append(("figure", given.get("alt", "")))
        if tag == "a":
            self.links.append(given.get("href", ""))
        if tag not in VOID:
            self.stack.append((tag, given.get("class") or ""))
        if tag in BLOCKS:
            self.text = self.plain = ""

    def handle_endtag(self, tag):
        while self.stack and self.stack.pop()[0] != tag:
            pass
        if tag in BLOCKS and self.text.strip() and not self.inside("how"):
            kind = next((k for k in ("table", "figcaption") if k in dict(self.stack)), tag)
            self.parts.append((kind, " ".join(self.text.split())))
            if kind != "table":
                self.prose.append(self.plain)
            self.text = ""

    def handle_data(self, data):
        self.text += data
        if not {"a", "code", "pre"} & {tag for tag, _ in self.stack}:
            self.plain += data

    def inside(self, name):
        return any(name in classes.split() for _, classes in self.stack)


def read(path):
    """The article of a page."""
    html = path.read_text()
    article = re.search(r"<article.*?</article>", html, re.S).group(0)
    reader = Reader()
    reader.feed(article)
    return reader
