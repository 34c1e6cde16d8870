"""A drawing that matplotlib wrote, made fit to stand inside a page.

Dropped: XML declaration, document type, metadata, comments, the style element (it would reach the whole page) and
ids that nothing refers to. Added: role, title, description, and the subscript of CO2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from markupsafe import Markup

from gxmeter.reporting.text import neutral

_DROPPED = frozenset({"metadata", "style"})
_NO_TURN = re.compile(r"rotate\(-?0 [^)]*\)")
_OWN_FAMILY = re.compile(r"font-family: [^;]*;\s*")
_REFERENCE = re.compile(r"#([\w-]+)")
_LONG_NUMBER = re.compile(r"(\d+\.\d{2})\d+")
_GEOMETRY = ("x", "y", "d", "transform", "width", "height")


@dataclass(frozen=True, slots=True)
class Sheet:
    """The paper of one chart: its id (unique on the page), title and description for those who do not see it.

    Attributes:
        width: width [drawing units]; text on the drawing is 12 units high.
        height: height [drawing units].
        keeps_ratio: False lets the style sheet stretch the drawing to any height.
    """

    chart_id: str
    title: str
    desc: str
    width: int
    height: int
    keeps_ratio: bool = True


def inline_svg(data: bytes, sheet: Sheet) -> Markup:
    """The drawing as an element to set into a page; ids begin with the sheet's id."""
    root = ET.fromstring(data)  # noqa: S314 - written by ourselves a moment ago
    _localise(root)
    _tidy(root)
    _prefix_ids(root, sheet.chart_id)
    for text in list(root.iter("text")):
        _plain_text(text)
    head = {
        "viewBox": root.get("viewBox", ""),
        "role": "img",
        "aria-labelledby": f"{sheet.chart_id}-t {sheet.chart_id}-d",
    }
    if not sheet.keeps_ratio:
        head["preserveAspectRatio"] = "none"
    root.attrib.clear()
    root.attrib.update(head)
    for place, (tag, mark, words) in enumerate((("title", "t", sheet.title), ("desc", "d", sheet.desc))):
        element = ET.Element(tag, {"id": f"{sheet.chart_id}-{mark}"})
        element.text = neutral(words)
        root.insert(place, element)
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 - the serialiser escapes every text


def _localise(root: ET.Element) -> None:
    """Names without namespaces, as HTML reads them; lengths to a hundredth of a unit."""
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        for name in list(element.attrib):
            element.set(name.rpartition("}")[2], element.attrib.pop(name))
        for name in _GEOMETRY:
            if name in element.attrib:
                element.set(name, " ".join(_LONG_NUMBER.sub(r"\1", element.attrib[name]).split()))


def _tidy(element: ET.Element) -> None:
    """Drop what the page must not have, blank text, and groups that group nothing by attribute."""
    kept: list[ET.Element] = []
    for child in element:
        if child.tag in _DROPPED:
            continue
        _tidy(child)
        if child.tag == "defs" and len(child) == 0:
            continue
        kept += list(child) if child.tag == "g" and set(child.attrib) <= {"id"} else [child]
    element[:] = kept
    for child in element:
        child.tail = None
    if element.tag != "text":
        element.text = None


def _prefix_ids(root: ET.Element, prefix: str) -> None:
    """Keep the ids that the drawing itself refers to, made unique on the page; drop the others."""
    used = {
        name
        for element in root.iter()
        for key, value in element.attrib.items()
        if key == "href" or "url(#" in value
        for name in _REFERENCE.findall(value)
    }
    for element in root.iter():
        own = element.attrib.pop("id", None)
        if own in used:
            element.set("id", f"{prefix}-{own}")
        for key, value in element.attrib.items():
            if key == "href" or "url(#" in value:
                element.set(key, value.replace("#", f"#{prefix}-", 1) if key == "href" else _url(value, prefix))


def _url(value: str, prefix: str) -> str:
    return value.replace("url(#", f"url(#{prefix}-")


def _plain_text(text: ET.Element) -> None:
    """The family is inherited from the page; the 2 of CO2 is set lower and smaller (the typeface has none)."""
    if _NO_TURN.fullmatch(text.get("transform", "")):
        del text.attrib["transform"]
    text.set("style", _OWN_FAMILY.sub("", text.get("style", "")))
    before, found, after = (text.text or "").partition("CO2")
    if not found:
        return
    text.text = before + "CO"
    low = ET.SubElement(text, "tspan", {"dy": "3", "style": "font-size: .75em"})
    low.text = "2"
    if after:
        back = ET.SubElement(text, "tspan", {"dy": "-3"})
        back.text = after
