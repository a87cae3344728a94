"""A page as a browser would take it apart."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br", "img", "col", "input", "hr", "link"}
FOREIGN = {"rect", "circle", "line", "path", "image"}  # closed by themselves in SVG


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    inside: list["Element | str"] = field(default_factory=list)

    def all(self, tag: str, kind: str | None = None) -> list["Element"]:
        """Every element of a tag within, of a class if named."""
        found = []
        for part in self.inside:
            if isinstance(part, Element):
                if part.tag == tag and (kind is None or kind in part.attributes.get("class", "").split()):
                    found.append(part)
                found += part.all(tag, kind)
        return found

    @property
    def text(self) -> str:
        return "".join(part if isinstance(part, str) else part.text for part in self.inside)


class Tree(HTMLParser):
    """Reads a page, and fails where a tag is closed that was not opened last."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.root = Element("", {})
        self._open = [self.root]
        self.feed(page)
        self.close()
        assert len(self._open) == 1, f"never closed: {[element.tag for element in self._open[1:]]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].inside.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in FOREIGN, f"<{tag}/> outside of SVG"
        self._open[-1].inside.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].inside.append(data)


def every(element: Element) -> list[Element]:
    """All elements within, in their order."""
    return [part for child in element.inside if isinstance(child, Element) for part in (child, *every(child))]
