"""An XMP document as a tree in which single properties change and all else stays as it is.

What other programs keep in their files (histories of edits, name spaces that nobody else knows,
comments) must come out as it went in. So this is a DOM and not ``ElementTree``, which renames the
prefixes of name spaces; and it is written out here, because ``minidom`` loses line breaks in
attributes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.dom.minidom import Comment, Document, Element, Node, ProcessingInstruction, Text
from xml.sax.saxutils import escape, quoteattr

from defusedxml import DTDForbidden, minidom

from pixfind.errors import SidecarError

# A tree takes a kilobyte or so for each tag and attribute; thousands are usual, and a bomb has
# millions.
MAX_TAGS = 100_000
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XML = "http://www.w3.org/XML/1998/namespace"
_XMLNS = "http://www.w3.org/2000/xmlns/"
_NEW = f"""<?xpacket begin="\N{BOM}" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="pixfind">
 <rdf:RDF xmlns:rdf="{RDF}">
  <rdf:Description rdf:about=""/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


@dataclass(frozen=True)
class Name:
    """A property's name; the prefix is for documents that have none for the name space."""

    namespace: str
    prefix: str
    local: str


@dataclass(frozen=True)
class _Item:
    text: str
    node: Element
    language: str | None


class XmpDocument:
    """One document, open for reading and changing."""

    def __init__(self, document: Document, rdf: Element) -> None:
        self._document = document
        self._rdf = rdf

    @classmethod
    def new(cls) -> XmpDocument:
        """Return a document without properties."""
        return cls.parse(_NEW.encode(), Path())

    @classmethod
    def parse(cls, content: bytes, file: Path) -> XmpDocument:
        """Read a document. DTDs and entities are refused.

        Args:
            content: of the file.
            file: which; named in errors.

        Raises:
            SidecarError: it is no XMP.
        """
        if max(content.count(b"<"), content.count(b"=")) > MAX_TAGS:
            raise SidecarError(
                file, f"has more than {MAX_TAGS:,} tags or attributes, too many for a sidecar"
            )
        try:
            document = minidom.parseString(content, forbid_dtd=True)
        except DTDForbidden as error:
            raise SidecarError(
                file, "has a DTD, which XMP has not and pixfind does not read"
            ) from error
        except Exception as error:  # defusedxml's, expat's, and those of codecs nobody has heard of
            raise SidecarError(file, f"is damaged, or no XMP ({_reason(error)})") from error
        rdf = next((e for e in _elements(document) if _is(e, RDF, "RDF")), None)
        if rdf is None:
            raise SidecarError(file, "is no XMP: there is no rdf:RDF in it")
        return cls(document, rdf)

    def texts(self, name: Name) -> tuple[str, ...]:
        """Return a property's texts: an attribute's, or those of its items, the default first."""
        found = [node.getAttributeNS(name.namespace, name.local) for node in self._descriptions()]
        for element in self._properties(name):
            items = sorted(_items(element), key=lambda item: item.language != "x-default")
            found += [item.text for item in items]
        return tuple(text.strip() for text in found if text and not text.isspace())

    def change_items(
        self, name: Name, kind: str, add: Sequence[str], remove: Collection[str] = ()
    ) -> None:
        """Add items to a property that is a collection, and take items out.

        Args:
            name: the property's; without items it goes.
            kind: of collection where it has to be made: ``Bag`` or ``Seq``.
            add: texts, at the end.
            remove: texts, as ``texts`` returned them.
        """
        properties = self._properties(name)
        for element in properties:
            items = _items(element)
            gone = [item for item in items if item.text.strip() in remove]
            for item in gone:
                _take_out(item.node)
            if gone and len(gone) == len(items):
                _take_out(element)
        if not add:
            return
        left = self._properties(name)
        element = left[0] if left else self._new_property(name)
        collection = next((c for c in _children(element) if _is_collection(c)), None)
        if collection is None:
            collection = self._append(element, Name(RDF, "rdf", kind))
        for text in add:
            added = self._append(collection, Name(RDF, "rdf", "li"))
            self._set_content(added, text)

    def set_text(self, name: Name, text: str) -> None:
        """Give a simple property its value, where and in the form in which it is there."""
        for node in self._descriptions():
            if attribute := node.getAttributeNodeNS(name.namespace, name.local):
                attribute.value = text
                return
        properties = self._properties(name)
        self._set_content(properties[0] if properties else self._new_property(name), text)

    def set_default(self, name: Name, text: str) -> None:
        """Give a property with languages its default text; the other languages stay."""
        items = [item for element in self._properties(name) for item in _items(element)]
        default = next((item for item in items if item.language == "x-default"), None)
        if default is not None:
            self._set_content(default.node, text)
            return
        if not any(item.language for item in items):
            self.remove(name)
        properties = self._properties(name)
        element = properties[0] if properties else self._new_property(name)
        collection = next((c for c in _children(element) if _is_collection(c)), None)
        if collection is None:
            collection = self._append(element, Name(RDF, "rdf", "Alt"))
        added = self._append(collection, Name(RDF, "rdf", "li"))
        added.setAttributeNS(_XML, "xml:lang", "x-default")
        self._set_content(added, text)

    def remove(self, name: Name) -> None:
        """Take a property out, in either of its forms."""
        for node in self._descriptions():
            if node.hasAttributeNS(name.namespace, name.local):
                node.removeAttributeNS(name.namespace, name.local)
        for element in self._properties(name):
            _take_out(element)

    def to_bytes(self) -> bytes:
        """Return the document in UTF-8."""
        # Only what begins with a declaration has a version.
        head = '<?xml version="1.0" encoding="UTF-8"?>\n' if self._document.version else ""
        body = "\n".join(_markup(node) for node in self._document.childNodes)
        return f"{head}{body}\n".encode("utf-8", "replace")

    def _descriptions(self) -> list[Element]:
        """Return the nodes with the picture's own properties, not those nested in them."""
        return [child for child in _children(self._rdf) if _is(child, RDF, "Description")]

    def _properties(self, name: Name) -> list[Element]:
        return [
            child
            for node in self._descriptions()
            for child in _children(node)
            if _is(child, name.namespace, name.local)
        ]

    def _new_property(self, name: Name) -> Element:
        nodes = self._descriptions()
        if nodes:
            return self._append(nodes[0], name)
        node = self._append(self._rdf, Name(RDF, "rdf", "Description"))
        node.setAttributeNS(RDF, f"{_prefix(node, Name(RDF, 'rdf', 'about'))}:about", "")
        return self._append(node, name)

    def _set_content(self, element: Element, text: str) -> None:
        for node in list(element.childNodes):
            element.removeChild(node)
        element.appendChild(self._document.createTextNode(text))

    def _append(self, parent: Element, name: Name) -> Element:
        """Append an element, on a line of its own."""
        tag = f"{_prefix(parent, name)}:{name.local}"
        element = self._document.createElementNS(name.namespace, tag)
        level = sum(1 for _ in _upwards(parent)) - 1
        last = parent.lastChild
        if isinstance(last, Text) and _is_space(last):
            parent.removeChild(last)
        parent.appendChild(self._document.createTextNode("\n" + " " * (level + 1)))
        parent.appendChild(element)
        parent.appendChild(self._document.createTextNode("\n" + " " * level))
        return element


def _elements(document: Document) -> Iterator[Element]:
    """Yield all elements, without recursion: nesting is anybody's."""
    todo = [document.documentElement] if document.documentElement is not None else []
    while todo:
        element = todo.pop()
        yield element
        todo.extend(reversed(_children(element)))


def _children(element: Element) -> list[Element]:
    return [child for child in element.childNodes if isinstance(child, Element)]


def _is(element: Element, namespace: str, local: str) -> bool:
    return bool(element.namespaceURI == namespace and element.localName == local)


def _is_collection(element: Element) -> bool:
    return element.namespaceURI == RDF and element.localName in ("Bag", "Seq", "Alt")


def _items(element: Element) -> list[_Item]:
    """Return a property's items, or its only value as one."""
    collections = [child for child in _children(element) if _is_collection(child)]
    nodes = [item for one in collections for item in _children(one) if _is(item, RDF, "li")]
    return [
        _Item(_text(node), node, node.getAttributeNS(_XML, "lang") or None)
        for node in nodes or ([] if collections else [element])
    ]


def _text(element: Element) -> str:
    return "".join(node.data for node in element.childNodes if isinstance(node, Text))


def _is_space(node: object) -> bool:
    return isinstance(node, Text) and not node.data.strip()


def _take_out(element: Element) -> None:
    """Remove an element with the line break before it."""
    parent: Any = element.parentNode
    before = element.previousSibling
    if _is_space(before):
        parent.removeChild(before)
    parent.removeChild(element)


def _prefix(element: Element, name: Name) -> str:
    """Return a prefix for a name space at an element, declaring it there if need be."""
    known: dict[str, str] = {}
    for node in _upwards(element):
        for attribute, value in _attributes(node):
            if attribute.startswith("xmlns:"):
                known.setdefault(attribute.removeprefix("xmlns:"), value)
    for prefix, namespace in known.items():
        if namespace == name.namespace:
            return prefix
    prefix = name.prefix
    while prefix in known:
        prefix += "1"
    element.setAttributeNS(_XMLNS, f"xmlns:{prefix}", name.namespace)
    return prefix


def _upwards(element: Element) -> Iterator[Element]:
    node: object = element
    while isinstance(node, Element):
        yield node
        node = node.parentNode


def _attributes(element: Element) -> list[tuple[str, str]]:
    """Return names and values, what declares name spaces first, as parsers have it."""
    pairs = element.attributes.items() if element.attributes is not None else []
    return sorted(pairs, key=lambda pair: not pair[0].startswith("xmlns"))


def _markup(top: Node) -> str:
    """Return a node as XML, without recursion."""
    written: list[str] = []
    todo: list[object] = [top]
    while todo:
        node = todo.pop()
        if isinstance(node, str):
            written.append(node)
        elif isinstance(node, Element):
            pairs = (f" {name}={quoteattr(value, _BREAKS)}" for name, value in _attributes(node))
            written.append(f"<{node.tagName}{''.join(pairs)}{'>' if node.childNodes else '/>'}")
            if node.childNodes:
                todo.append(f"</{node.tagName}>")
                todo.extend(reversed(node.childNodes))
        elif isinstance(node, Comment):
            written.append(f"<!--{node.data}-->")
        elif isinstance(node, ProcessingInstruction):
            written.append(f"<?{node.target} {node.data}?>")
        elif isinstance(node, Text):
            written.append(escape(node.data, {"\r": "&#13;"}))
    return "".join(written)


# Raw, a parser makes spaces of them.
_BREAKS = {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text[:100] or type(error).__name__
