"""Write the bill of materials: what an installation runs, as CycloneDX JSON.

    python -m scripts.sbom [FILE]

Lists what requirements.txt asks for and all that this brings along, as installed in the environment that runs this (that of
scripts/test.sh), and the fonts that are part of the program. The same installation gives the same bytes: no time, no serial number.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
FONTS = ROOT / "app/documents/pdf/fonts"
FONTS_LICENCE = "OFL-1.1"
FONTS_VERSION = "2.004"  # fonts/README.md
WORDS = 60  # a longer "License" field is the text and not the name
_LICENCES = LicenseFactory()


def main(arguments: list[str]) -> None:
    """Write the bill to a file, or to standard output."""
    text = written(bill(asked()))
    if arguments:
        Path(arguments[0]).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


def asked() -> list[Requirement]:
    """Return what requirements.txt asks for on this Python."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines())
    return [found for line in lines if line and not line.startswith("-") if _counts(found := Requirement(line))]


def bill(requirements: Iterable[Requirement]) -> Bom:
    """Return the program, its fonts, and what it needs, each with what that needs in turn."""
    first = list(requirements)
    needs = closure(first)
    libraries = {name: _library(distribution(name)) for name in needs}
    fonts = [_font(path) for path in sorted(FONTS.glob("*.ttf"))]
    bom = Bom(components=[*libraries.values(), *fonts])
    bom.metadata.component = Component(name="Slotkeeper", type=ComponentType.APPLICATION, bom_ref="slotkeeper")
    asked_for = [libraries[canonicalize_name(wanted.name)] for wanted in first]
    bom.register_dependency(bom.metadata.component, [*fonts, *asked_for])
    for name, needed in needs.items():
        bom.register_dependency(libraries[name], [libraries[one] for one in needed])
    return bom


def closure(requirements: Iterable[Requirement]) -> dict[str, set[str]]:
    """Return the names of all distributions that are needed, each with those that it needs itself."""
    needs: dict[str, set[str]] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = list(requirements)
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if (name, frozenset(wanted.extras)) in seen:
            continue
        seen.add((name, frozenset(wanted.extras)))
        lines = map(Requirement, distribution(name).requires or [])
        below = [needed for needed in lines if _counts(needed, wanted.extras)]
        needs.setdefault(name, set()).update(canonicalize_name(needed.name) for needed in below)
        waiting += below
    return needs


def written(bom: Bom) -> str:
    """Return the bill as text that only a change of what is installed changes."""
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    del document["serialNumber"], document["metadata"]["timestamp"]
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _counts(requirement: Requirement, extras: Iterable[str] = ()) -> bool:
    """Tell whether a requirement is one on this machine, for somebody who asked for these extras."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))


def _library(found: Distribution) -> Component:
    name, version = found.metadata["Name"], found.version
    return Component(
        name=name,
        version=version,
        description=found.metadata.get("Summary"),
        licenses=[_LICENCES.make_from_string(licence) for licence in licences(found)],
        purl=PackageURL("pypi", None, name, version),
        bom_ref=f"{canonicalize_name(name)}=={version}",
    )


def licences(found: Distribution) -> list[str]:
    """Return what a distribution says of its licence: an SPDX expression if it has one, else its own words."""
    told = found.metadata
    short = [text for text in (told.get("License-Expression"), told.get("License")) if text and len(text) <= WORDS]
    classifiers = [line for line in told.get_all("Classifier") or [] if line.startswith("License ::")]
    return short[:1] or [line.rpartition(" :: ")[2] for line in classifiers]


def _font(path: Path) -> Component:
    return Component(
        name=path.name,
        version=FONTS_VERSION,
        type=ComponentType.FILE,
        licenses=[_LICENCES.make_with_id(FONTS_LICENCE)],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=hashlib.sha256(path.read_bytes()).hexdigest())],
        bom_ref=path.name,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
