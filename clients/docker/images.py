"""Image references: which release one names, and which repository."""

from __future__ import annotations

from collections.abc import Mapping

VERSION_LABEL = "org.opencontainers.image.version"
"""OCI image annotation (github.com/opencontainers/image-spec, annotations.md). Derived images inherit it from their
base, so that a tag is the better word where there is one."""
RELEASE_LABEL = "quell.release"
"""Put on a container that runs an image by its id, since its tag has moved on."""
_SHORT = 12


def split(reference: str) -> tuple[str, str]:
    """Repository and tag of ``host:5000/team/payment:v1@sha256:...``; the tag is empty when there is none."""
    bare = reference.partition("@")[0]
    head, slash, last = bare.rpartition("/")
    name, _, tag = last.partition(":")
    return f"{head}{slash}{name}", tag


def release_of(reference: str, image_id: str, labels: Mapping[str, str]) -> str:
    """What people call it: the tag, else the version label, else the first digits of digest or id."""
    if is_id(reference) and RELEASE_LABEL in labels:
        return labels[RELEASE_LABEL]
    tag = "" if is_id(reference) else split(reference)[1]
    if tag and tag != "latest":
        return tag
    digest = reference.partition("@")[2] or image_id or reference
    return labels.get(VERSION_LABEL) or tag or digest.removeprefix("sha256:")[:_SHORT]


def is_id(reference: str) -> bool:
    """Whether a reference is an image id."""
    return reference.startswith("sha256:")


def with_release(reference: str, release: str) -> str:
    """The same repository at another tag; empty when the reference names no repository."""
    return "" if is_id(reference) else f"{split(reference)[0]}:{release}"
