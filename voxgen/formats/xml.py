"""XML with everything switched off that reaches beyond the file or multiplies it.

No document type, no entities, no network (https://cheatsheetseries.owasp.org, XML external entities and
billion laughs): a building needs none, so a file that declares any is refused, whatever it holds.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from ..errors import DataError, LimitError

Element: TypeAlias = Any
"""An lxml element; lxml carries no types."""


def parse_xml(data: bytes) -> Element:
    """Give the root element.

    Raises:
        LimitError: where the file declares a document type or entities, or nests too deep.
        DataError: where it is cut off or no XML.
    """
    from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:8]
    if b"<!DOCTYPE" in (data.replace(b"\0", b"") if wide else data):
        raise _doctype()
    # huge_tree stays off: libxml2 then bounds depth, text length and expansion.
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as failure:
        text = str(failure)
        if "depth" in text.lower() or "huge" in text.lower():
            raise LimitError(f"XML nested too deep or with overlong text: {text[:120]}") from None
        raise DataError(f"no XML, or cut off: {text[:160]}") from None
    if root is None:
        raise DataError("XML without an element")
    if root.getroottree().docinfo.doctype:
        raise _doctype()
    return root


def local(element: Element) -> str:
    """Give an element's name without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def children(element: Element, *names: str) -> list[Element]:
    """Give the direct children of these names, any namespace."""
    return [child for child in element if local(child) in names]


def child(element: Element, name: str) -> Element | None:
    """Give the first direct child of this name, any namespace."""
    return next(iter(children(element, name)), None)


def attribute(element: Element, name: str) -> str | None:
    """Give an attribute by its name without its namespace."""
    for key, value in element.attrib.items():
        if str(key).rpartition("}")[2] == name:
            return str(value)
    return None


def _doctype() -> LimitError:
    return LimitError(
        "XML with a document type or entities, which can hide a bomb; remove the <!DOCTYPE ...>"
    )
