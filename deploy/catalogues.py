"""Where the catalogues of the interface's texts are, and compiling them. `deploy.messages` brings them up to date."""

import tempfile
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

import config

TRANSLATIONS = config.ROOT / "translations"


def compile_changed() -> None:
    """Compile every catalogue that is newer than its compiled form; safe beside other processes."""
    for source in TRANSLATIONS.glob("*/LC_MESSAGES/*.po"):
        compiled = source.with_suffix(".mo")
        if compiled.exists() and compiled.stat().st_mtime >= source.stat().st_mtime:
            continue
        catalogue = read(source)
        with tempfile.NamedTemporaryFile(dir=source.parent, suffix=".tmp", delete=False) as target:
            write_mo(target, catalogue)
        Path(target.name).chmod(0o644)
        Path(target.name).replace(compiled)


def catalogue_of(lang: str) -> Path:
    """Where the texts of this language are kept."""
    return TRANSLATIONS / lang / "LC_MESSAGES" / "messages.po"


def read(source: Path) -> Catalog:
    """A catalogue as it is stored, empty when there is none. Its folder names its language."""
    lang = source.parts[-3]
    if not source.exists():
        return Catalog(locale=lang)
    with source.open("rb") as file:
        return read_po(file, locale=lang)
