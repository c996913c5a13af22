"""What a file is for, by its path: documentation and tests cannot break what runs, configuration can be reverted."""

from __future__ import annotations

import re
from collections.abc import Iterable

_HARMLESS = re.compile(
    r"(?:^|/)(?:docs?|documentation|tests?|testdata|__tests__|spec|fixtures|examples?|\.github|\.circleci|\.gitlab)/"
    r"|(?:^|/)(?:CODEOWNERS|LICENSE\w*|CHANGELOG\w*|README\w*|OWNERS|AUTHORS|\.gitignore|\.editorconfig)(?:\.\w+)?$"
    r"|(?:^|/)\.[\w.-]+\.(?:ya?ml|json|toml)$"
    r"|(?:^|/)test_\w+\.\w+$|[_.-](?:test|tests|spec)\.\w+$"
    r"|\.(?:md|rst|adoc|css|scss|less|svg|png|jpe?g|gif|ico|woff2?|snap)$"
    r"|(?:^|/)(?:theme|palette|styles?)\.\w+$",
    re.IGNORECASE,
)
_CONFIGURATION = re.compile(
    r"\.(?:ya?ml|toml|ini|cfg|conf|config|properties|env|json|hcl|tfvars|xml)$|(?:^|/)(?:config|conf|values|settings)\.\w+$"
    r"|(?:^|/)(?:config|conf|charts|deploy|helm|k8s|manifests)/",
    re.IGNORECASE,
)
_DEPENDENCIES = re.compile(
    r"(?:^|/)(?:go\.(?:mod|sum)|package(?:-lock)?\.json|yarn\.lock|pnpm-lock\.yaml|requirements[\w.-]*\.txt|poetry\.lock"
    r"|uv\.lock|Pipfile(?:\.lock)?|Cargo\.(?:toml|lock)|Gemfile(?:\.lock)?|pom\.xml|build\.gradle(?:\.kts)?|composer\.\w+)$",
    re.IGNORECASE,
)
_OTHER_STAGE = re.compile(r"(?:^|/)(?:staging|stage|dev|development|sandbox|preview|qa)/", re.IGNORECASE)


def harmless(paths: Iterable[str]) -> bool:
    """Whether all of the files are ones that nothing that runs reads: documentation, tests, styles, another stage."""
    listed = tuple(paths)
    return bool(listed) and all(_HARMLESS.search(path) or _OTHER_STAGE.search(path) for path in listed)


def configuration(paths: Iterable[str]) -> bool:
    """Whether all of the files that can do harm are configuration, which can be reverted without a release."""
    listed = [path for path in paths if not harmless([path])]
    return bool(listed) and all(_CONFIGURATION.search(path) and not dependencies([path]) for path in listed)


def dependencies(paths: Iterable[str]) -> bool:
    """Whether all of the files list which libraries are used."""
    listed = tuple(paths)
    return bool(listed) and all(_DEPENDENCIES.search(path) for path in listed)
