"""Where the public data is, and where it comes from when it is not there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.errors import NotFound, UsageError


@dataclass(frozen=True, slots=True)
class Pack:
    """One data set.

    Attributes:
        folder: its name below the data folder.
        source: the public project that it comes from.
        licence: of the data.
    """

    folder: str
    source: str
    licence: str


PACKS: dict[str, Pack] = {
    "nezha": Pack("nezha", "https://github.com/IntelligentDDS/Nezha", "MIT"),
    "petshop": Pack("petshop", "https://github.com/amazon-science/petshop-root-cause-analysis", "CC-BY-4.0"),
    "sockshop": Pack("sockshop", "https://github.com/azamikram/rcd", "none stated"),
    "rootcausebench": Pack("rootcausebench", "https://github.com/edgedelta/root-cause-bench", "Apache-2.0"),
    "nab": Pack("nab", "https://github.com/numenta/NAB", "MIT"),
    "loghub2k": Pack("loghub2k", "https://github.com/logpai/loghub-2.0", "research use only"),
    "runbooks": Pack("runbooks", "https://github.com/prometheus-operator/runbooks", "Apache-2.0"),
}


def pack_folder(root: Path, name: str) -> Path:
    """The folder of a pack.

    Raises:
        UsageError: there is no such pack.
        NotFound: it is not unpacked here; the error names the public source.
    """
    if name not in PACKS:
        raise UsageError(f"no data pack is called {name!r}", fix=f"one of {', '.join(PACKS)}")
    folder = root / PACKS[name].folder
    if not folder.is_dir():
        raise NotFound(
            f"the data pack {name} is not in {root}",
            fix=f"unpack it there (public source: {PACKS[name].source}), or point QUELL_DATA to where it is",
        )
    return folder
