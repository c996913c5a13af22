"""What is hidden from a model, and what is put back into its answer.

Secrets never come back: only a hash of each is kept, to give the same secret the same placeholder. E-mails, addresses
and host names are put back, for an answer must be able to name them. Text is hidden before it is fenced or shortened: a
secret cut in two is no longer recognised.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum

from pydantic import Field, field_validator

from core.models import Model, Rung
from core.redaction import STANDS_FOR, find


class IdentityKind(StrEnum):
    """What names a person or a place: hidden from a model if so configured, and put back into its answer."""

    EMAIL = "email"
    ADDRESS = "address"
    HOST = "host"


class RedactionPolicy(Model):
    """What besides secrets, which are always hidden, a rung does not get to see."""

    kinds: tuple[IdentityKind, ...] = Field(
        default=(), description="hidden besides secrets, and put back into the answer"
    )
    private_addresses: tuple[str, ...] = Field(
        default=(), description="networks such as 10.0.0.0/8 and domains such as .corp.example: the addresses and hosts"
    )

    @field_validator("private_addresses")
    @classmethod
    def _are_places(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for each in given:
            if not each.startswith("."):
                ipaddress.ip_network(each)
        return given


POLICIES: Mapping[Rung, RedactionPolicy] = {
    Rung.LOCAL: RedactionPolicy(),
    Rung.FRONTIER: RedactionPolicy(kinds=tuple(IdentityKind)),
}
"""Where nothing else is configured. A local model runs on the user's machines: it sees e-mails and addresses."""

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}+(?:@|%40)(?:[^\W_][\w-]{0,62}+\.){1,8}[^\W\d_]{2,24}+(?![\w-])")
_ADDRESS = re.compile(
    r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\w)|(?<![\w.:])[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?![\w:]|\.\w)"
)
_HOST = re.compile(r"(?<![\w.@-])[A-Za-z0-9_-]{1,63}+(?:\.[A-Za-z0-9_-]{1,63}+){1,10}+(?![\w-])")


class Redactor:
    """Hides in all texts of one conversation alike: the same thing has the same placeholder in each.

    Placeholders are numbered in the order of appearance, so that a replay of the same texts gives the same prompts.
    A text that already holds a placeholder keeps it. One Redactor serves one conversation and is never stored.

    Args:
        kinds: what is hidden besides secrets; addresses and hosts only where `private_addresses` names them.
        private_addresses: networks in CIDR notation, and domains with a leading dot.

    Raises:
        ValueError: a private address is neither a network nor a domain.
    """

    def __init__(self, kinds: Iterable[IdentityKind] = (), private_addresses: Iterable[str] = ()) -> None:
        self._kinds = frozenset(kinds)
        named = tuple(private_addresses)
        self._domains = tuple(each.lower() for each in named if each.startswith("."))
        self._networks = tuple(ipaddress.ip_network(each) for each in named if not each.startswith("."))
        self._placeholders: dict[str, str] = {}
        self._named: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    @classmethod
    def of(cls, policy: RedactionPolicy) -> Redactor:
        """One for a conversation under that policy."""
        return cls(policy.kinds, policy.private_addresses)

    def hide(self, text: str) -> str:
        """The text with placeholders such as ``[github-token-1]`` and ``[email-2]`` for what must not be seen."""
        text = _replaced(text, [(one.start, one.end, one.kind.value) for one in find(text)], self._secret)
        return _replaced(text, list(self._identities(text)), self._identity)

    def restore(self, text: str) -> str:
        """The text with e-mails, addresses and hosts put back; placeholders of secrets stay what they are."""
        return STANDS_FOR.sub(lambda found: self._named.get(found[0], found[0]), text)

    def _identities(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Start, end and kind of what is to be hidden, e-mails first: their domains are not hosts of their own."""
        end = 0
        spans: list[tuple[int, int, str]] = []
        if IdentityKind.EMAIL in self._kinds and ("@" in text or "%40" in text):
            spans += [(*each.span(), IdentityKind.EMAIL.value) for each in _EMAIL.finditer(text)]
        if IdentityKind.ADDRESS in self._kinds and self._networks:
            spans += [
                (*each.span(), IdentityKind.ADDRESS.value) for each in _ADDRESS.finditer(text) if self._private(each[0])
            ]
        if IdentityKind.HOST in self._kinds and self._domains:
            spans += [(*each.span(), IdentityKind.HOST.value) for each in _HOST.finditer(text) if self._inside(each[0])]
        for span in sorted(spans):
            if span[0] >= end:
                yield span
                end = span[1]

    def _private(self, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    def _inside(self, text: str) -> bool:
        return f".{text.lower()}".endswith(self._domains)

    def _secret(self, secret: str, kind: str) -> str:
        return self._placeholder(hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest(), kind)

    def _identity(self, identity: str, kind: str) -> str:
        placeholder = self._placeholder(f"{kind}:{identity}", kind)
        self._named[placeholder] = identity
        return placeholder

    def _placeholder(self, of: str, kind: str) -> str:
        if of not in self._placeholders:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._placeholders[of] = f"[{kind}-{self._counts[kind]}]"
        return self._placeholders[of]


def _replaced(text: str, spans: list[tuple[int, int, str]], placeholder: Callable[[str, str], str]) -> str:
    """The text with each span, which are in order and apart, exchanged for the placeholder of its content and kind."""
    parts: list[str] = []
    position = 0
    for start, end, kind in spans:
        parts += (text[position:start], placeholder(text[start:end], kind))
        position = end
    return "".join((*parts, text[position:]))
