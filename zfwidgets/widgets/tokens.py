"""What the style sheets share with each other and with Python: custom properties, `--zf-…`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zfwidgets.drawing import NOW, OUTLINE, PALETTE, REST, heat, signed_picture
from zfwidgets.widgets.geometry import sizes

TOKENS = Path(__file__).parent / "tokens.css"


def colours() -> dict[str, str]:
    """The palette that figures and charts draw with, as custom properties: `--zf-line-1` is the first line's colour."""
    lines = {f"--zf-line-{number}": colour for number, colour in enumerate(PALETTE, 1)}
    dark, light = OUTLINE
    named = {"now": NOW, "rest": REST, "outline-dark": dark, "outline-light": light}
    return lines | {f"--zf-{name}": colour for name, colour in named.items()} | scales()


def scales() -> dict[str, str]:
    """What the colours of maps and of projections stand for, as gradients from the low end to the high one."""
    steps = np.linspace(-1, 1, 9)
    painted = {"heat": heat(steps[None])[0], "signed": signed_picture(np.repeat(steps[None, None], 3, axis=0), 1.0)[0]}
    hexadecimal = {name: [f"#{bytes(colour.tolist()).hex()}" for colour in row] for name, row in painted.items()}
    return {f"--zf-{name}": f"linear-gradient(to right, {', '.join(row)})" for name, row in hexadecimal.items()}


def tokens() -> str:
    """The CSS that declares them all: the ten colours of light and dark pages, the palette, and sizes."""
    return TOKENS.read_text(encoding="utf-8") + _declared(":root", colours() | sizes())


def styled(sheet: Path) -> str:
    """The CSS of one room with all that it refers to, for a widget that also stands outside a panel."""
    return tokens() + sheet.read_text(encoding="utf-8")


def _declared(selector: str, properties: dict[str, str]) -> str:
    return f"{selector} {{\n" + "".join(f"  {name}: {value};\n" for name, value in properties.items()) + "}\n"
