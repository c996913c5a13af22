"""Secrets that are told by their own shape, as their issuers publish it.

Sources: AWS (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids),
GitHub (https://github.blog/changelog/2021-03-31-authentication-token-format-updates-are-generally-available/), GitLab
(https://docs.gitlab.com/security/tokens/#token-prefixes), Slack (https://api.slack.com/authentication/token-types),
Stripe (https://docs.stripe.com/keys), PyPI (https://pypi.org/help/#apitoken), npm
(https://github.blog/changelog/2021-09-23-npm-has-a-new-access-token-format/), Docker Swarm
(https://docs.docker.com/engine/swarm/join-nodes/), Grafana, New Relic, Vault and the rest as in the rules of gitleaks
(https://github.com/gitleaks/gitleaks/blob/master/config/gitleaks.toml); JSON Web Tokens (RFC 7519), bearer credentials
(RFC 6750), basic credentials (RFC 7617), textual encodings of keys (RFC 7468).

All patterns take linear time: each starts at a literal, and what repeats is possessive or bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from core.redaction.kinds import Found, SecretKind

_LEFT = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"
"""A token begins here: escaped line ends and percent-encoded bytes end in letters that are not part of it."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A published shape.

    Attributes:
        hints: lower case; unless the lower-cased text holds one of them, the pattern cannot match.
        pattern: its group ``secret`` is hidden, or all of it where there is no such group.
    """

    kind: SecretKind
    hints: tuple[str, ...]
    pattern: str


SHAPES = (
    Shape(
        SecretKind.AWS_KEY, ("akia", "asia", "abia", "acca"), _LEFT + r"A(?:KIA|SIA|BIA|CCA)[0-9A-Z]{16}+(?![0-9A-Z])"
    ),
    Shape(SecretKind.GOOGLE_KEY, ("aiza",), r"AIza[\w-]{30,}+"),
    Shape(SecretKind.GOOGLE_KEY, ("ya29.", "gocspx-"), _LEFT + r"(?:ya29\.|GOCSPX-)[\w.-]{16,}+"),
    Shape(SecretKind.GOOGLE_KEY, ("1//0",), _LEFT + r"1//0[\w-]{20,}+"),
    Shape(SecretKind.AZURE_KEY, ("q~",), r"(?:(?<![\w~.-])|(?<=\\[nrt]))[\w~.-]{3}\dQ~[\w~.-]{31,34}+"),
    Shape(SecretKind.GITHUB_TOKEN, ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9]{20,}+"),
    Shape(SecretKind.GITHUB_TOKEN, ("github_pat_",), r"github_pat_\w{22,}+"),
    Shape(SecretKind.GITLAB_TOKEN, ("gl",), _LEFT + r"gl[a-z]{2,6}-[\w.-]{16,}+"),
    Shape(SecretKind.PACKAGE_TOKEN, ("npm_",), _LEFT + r"npm_[A-Za-z0-9]{30,}+"),
    Shape(SecretKind.PACKAGE_TOKEN, ("pypi-",), _LEFT + r"pypi-[\w-]{40,}+"),
    Shape(SecretKind.PACKAGE_TOKEN, ("rubygems_",), r"rubygems_[0-9a-f]{48}"),
    Shape(SecretKind.DOCKER_TOKEN, ("dckr_",), r"dckr_[po]at_[\w-]{16,}+"),
    Shape(SecretKind.DOCKER_TOKEN, ("swmtkn-", "swmkey-"), r"SWM(?:TKN|KEY)-1-[A-Za-z0-9+/=-]{20,}+"),
    Shape(SecretKind.WEBHOOK, ("hooks.slack.com/",), r"https?://hooks\.slack\.com/(?P<secret>[^\s\"'<>\\]++)"),
    Shape(SecretKind.WEBHOOK, ("/api/webhooks/",), r"/api/webhooks/(?P<secret>\d{5,30}/[\w-]{20,}+)"),
    Shape(SecretKind.WEBHOOK, ("webhook.office.com/",), r"webhook\.office\.com/(?P<secret>[^\s\"'<>\\]++)"),
    Shape(SecretKind.SLACK_TOKEN, ("xox", "xapp-"), _LEFT + r"(?:xox[a-z](?:\.xox[a-z])?|xapp)-[A-Za-z0-9-]{8,}+"),
    Shape(SecretKind.STRIPE_KEY, ("k_live_", "k_test_"), r"[spr]k_(?:live|test)_[A-Za-z0-9]{10,}+"),
    Shape(SecretKind.STRIPE_KEY, ("whsec_",), r"whsec_[A-Za-z0-9+/=]{16,}+"),
    Shape(SecretKind.TWILIO_KEY, ("sk",), _LEFT + r"SK[0-9a-f]{32}(?![0-9a-z])"),
    Shape(SecretKind.SENDGRID_KEY, ("sg.",), _LEFT + r"SG\.[\w-]{16,}+\.[\w-]{16,}+"),
    Shape(SecretKind.MODEL_KEY, ("sk-",), _LEFT + r"sk-[\w-]{16,}+"),
    Shape(SecretKind.MODEL_KEY, ("hf_", "gsk_", "xai-"), _LEFT + r"(?:hf_|gsk_|xai-)[A-Za-z0-9]{30,}+"),
    Shape(SecretKind.MONITORING_KEY, ("glsa_", "glc_"), r"gl(?:sa|c)_[\w+/=-]{20,}+"),
    Shape(SecretKind.MONITORING_KEY, ("eyjrijoi",), r"eyJrIjoi[\w+/=-]{20,}+"),
    Shape(SecretKind.MONITORING_KEY, ("nr",), _LEFT + r"NR(?:AK|II|IQ|RA|JS|AL|BR|AA)-[A-Za-z0-9]{19,}+"),
    Shape(SecretKind.MONITORING_KEY, ("nral",), _LEFT + r"[0-9a-f]{36}NRAL"),
    Shape(SecretKind.MONITORING_KEY, ("dt0",), r"dt0[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{40,}+"),
    Shape(SecretKind.MONITORING_KEY, ("sntry",), r"sntry[su]_[\w+/=.-]{20,}+"),
    Shape(SecretKind.VENDOR_TOKEN, ("hvs.", "hvb.", "hvr."), _LEFT + r"hv[sbr]\.[\w-]{20,}+"),
    Shape(SecretKind.VENDOR_TOKEN, (".atlasv1.",), r"(?<![\w])\w{14}\.atlasv1\.[\w-]{40,}+"),
    Shape(SecretKind.VENDOR_TOKEN, ("do",), _LEFT + r"do[opr]_v1_[0-9a-f]{40,}+"),
    Shape(SecretKind.VENDOR_TOKEN, ("dapi",), _LEFT + r"dapi[0-9a-f]{32}(?:-\d)?"),
    Shape(SecretKind.VENDOR_TOKEN, ("shp",), _LEFT + r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    Shape(SecretKind.VENDOR_TOKEN, ("atatt3",), r"ATATT3[\w=-]{40,}+"),
    Shape(
        SecretKind.VENDOR_TOKEN,
        ("tskey-", "pmak-", "lin_api_", "pscale_"),
        _LEFT + r"(?:tskey-|PMAK-|lin_api_|pscale_)[\w-]{16,}+",
    ),
    Shape(SecretKind.VENDOR_TOKEN, ("age-secret-key-",), r"AGE-SECRET-KEY-1[0-9A-Z]{20,}+"),
    Shape(SecretKind.VENDOR_TOKEN, ("-us",), r"(?<![0-9a-f])[0-9a-f]{32}-us\d{1,2}(?!\w)"),
    Shape(SecretKind.VENDOR_TOKEN, ("key-",), _LEFT + r"key-[0-9a-z]{32}(?![0-9a-z])"),
    Shape(
        SecretKind.VENDOR_TOKEN,
        (
            "sq0",
            "ntn_",
            "figd_",
            "pul-",
            "bkua_",
            "ccipat_",
            "clojars_",
            "sbp_",
            "pplx-",
            "r8_",
            "lsv2_",
            "fo1_",
            "fm2_",
            "dp.",
            "akcp",
            "ltai",
            "akid",
            "amzn.mws.",
            "access-",
            "ops_",
            "oauth:",
            "sqp_",
            "aqvn",
            "secret_",
            "eaa",
        ),
        _LEFT
        + r"(?:sq0[a-z]{3}-|ntn_|figd_|pul-|bkua_|CCIPAT_|CLOJARS_|sbp_|pplx-|r8_|lsv2_[a-z]{2}_|fo1_|fm2_|sqp_|AQVN"
        r"|dp\.(?:pt|st|sa|ct|scim|audit)\.|AKCp|LTAI|AKID|amzn\.mws\.|access-(?:sandbox|development|production)-|ops_eyJ|oauth:"
        r"|EAA(?=[A-Z])|secret_(?=[A-Za-z]{0,40}\d[A-Za-z\d]{24}))(?=[\w.=-]{0,80}\d)[\w.=-]{16,}+",
    ),
    Shape(SecretKind.VENDOR_TOKEN, ("apa91b",), r"APA91b[\w-]{30,}+"),
    Shape(
        SecretKind.VENDOR_TOKEN,
        ("ansible_vault",),
        r"\$ANSIBLE_VAULT;[\w.;-]{1,80}(?P<secret>(?:\s{1,40}[0-9a-f]{4,100}){1,2000}+)",
    ),
    Shape(
        SecretKind.PASSWORD,
        ("$",),
        r"\$(?:2[abxy]?|[156y7]|md5|apr1|gy|argon2\w{1,2}|scrypt|pbkdf2[\w-]{0,12})\$(?P<secret>[\w./$=,+-]{16,400}+)",
    ),
    Shape(SecretKind.VENDOR_TOKEN, (":aa", "%3aaa"), r"(?<!\d)\d{8,10}(?::|%3[Aa])AA[\w-]{32,}+"),
    Shape(SecretKind.JWT, ("eyj",), _LEFT + r"eyJ[\w-]{8,}+\.[\w-]{8,}+(?:\.[\w-]*+){0,3}"),
    Shape(SecretKind.JWT, ("eyjhbgcioi",), r"eyJhbGciOi[\w-]{8,}+\.?"),
    Shape(SecretKind.PRIVATE_KEY, ("ls0tls1crudjti",), r"LS0tLS1CRUdJTi[A-Za-z0-9+/=]{20,}+"),
    Shape(SecretKind.PRIVATE_KEY, ("putty-user-key-file",), r"(?s:PuTTY-User-Key-File.*)"),
    Shape(
        SecretKind.PASSWORD,
        ("identified", "password"),
        r"(?i)\b(?:identified\s{1,4}(?:with\s{1,4}\S{1,60}\s{1,4})?by|password)\s{1,4}(?P<q>['\"])(?P<secret>[^'\"\n]{1,500})(?P=q)",
    ),
    Shape(
        SecretKind.PASSWORD,
        ("-u",),
        r"(?<![\w-])(?:-u|--(?:proxy-)?user)(?:['\"],)?[\s=]?['\"]?[\w.@+-]{0,64}+:(?!\d+(?:\s|$))(?P<secret>[^\s'\"]{2,500}+)",
    ),
    Shape(
        SecretKind.PASSWORD,
        ("sshpass", "redis-cli", "mysql", "plink", "mongo", "docker login", "podman login", "7z"),
        r"\b(?:sshpass|redis-cli|mysql\w{0,9}|plink|mongo\w{0,9}|(?:docker|podman) login|7za?)\b[^\n|;]{0,200}?[\s'\"]"
        r"-(?:p|a|pw\s)(?!ort|ath|rotocol)(?:['\"],)?\s?['\"]?(?!-)(?P<secret>[^\s'\"]{2,500}+)",
    ),
    Shape(
        SecretKind.PASSWORD,
        ("ldap", "sqlcmd"),
        r"\b(?:ldap\w{3,9}\b[^\n|;]{0,200}?\s-w|sqlcmd\b[^\n|;]{0,200}?\s-P)\s?['\"]?(?!-)(?P<secret>[^\s'\"]{2,500}+)",
    ),
    Shape(
        SecretKind.PASSWORD,
        ("sudo -s", "--password-stdin"),
        r"\becho\s{1,4}['\"]?(?P<secret>[^\s'\"|]{2,500}+)['\"]?\s{0,4}\|\s{0,4}"
        r"(?:sudo\s{1,4}-S|[^|\n]{1,200}--password-stdin)",
    ),
    Shape(SecretKind.PASSWORD, ("sqlplus",), r"\bsqlplus\s[^\n/]{0,80}?[\w.-]{1,64}/(?P<secret>[^\s@'\"]{2,200}+)"),
    Shape(
        SecretKind.PASSWORD,
        ("openssl",),
        r"\bopenssl\b[^\n|;]{0,200}?\s(?:-k\s|-pass\s?\w{0,3}\s?pass:)(?P<secret>\S{2,200}+)",
    ),
    Shape(
        SecretKind.PASSWORD,
        ("auth",),
        r"(?<![\w.-])AUTH['\"]?\s{1,4}(?:(?:PLAIN|default)\s{1,4})?['\"]?(?=[A-Za-z]{0,80}\d)(?P<secret>[^\s'\"]{6,500}+)",
    ),
    Shape(
        SecretKind.PASSWORD,
        ("identified",),
        r"(?i)\bidentified\s{1,4}by\s{1,4}(?:values\s{1,4})?(?=[A-Za-z]{0,80}\d)(?P<secret>[^\s'\";,]{4,200}+)",
    ),
    Shape(
        SecretKind.PASSWORD,
        ("password", "passphrase", "api key", "token"),
        r"(?i)\b(?:password|passphrase|api[ ]key|token)[ ](?:for|of|provided|given|used|entered)"
        r"(?:[ ][\w@.'\"/-]{1,60}){0,3}?:[ ]['\"]?(?=[A-Za-z]{0,80}\d)(?P<secret>[^\s'\"]{6,500}+)",
    ),
    Shape(
        SecretKind.PASSWORD,
        ("@tcp(", "@unix(", "@/"),
        r"(?<![\w.:/-])[\w.-]{1,64}+:(?P<secret>[^\s@]{1,200}+)@(?:tcp\(|unix\(|/)",
    ),
    Shape(
        SecretKind.PASSWORD,
        ("@",),
        r"(?<![\w.:/@+-])(?!sha\d|\d{1,2}:\d)[A-Za-z][\w.-]{0,63}+:(?=[^\s@:/]{0,200}[A-Za-z])(?=[^\s@:/]{0,200}\d)(?!sha\d{3}:)"
        r"(?P<secret>[^\s@:/,\"'<>()]{6,200}+)@[A-Za-z0-9-]{1,63}+(?:\.[A-Za-z0-9-]{1,63}+)*+(?::\d|/)",
    ),
    Shape(SecretKind.PASSWORD, ("jdbc:oracle",), r"(?i)jdbc:oracle:\w{1,9}:[^\s/@]{1,64}/(?P<secret>[^\s@]{1,200}+)@"),
)

_BY_HINT = tuple((hint, shape) for shape in SHAPES for hint in shape.hints)
_CREDENTIALS = re.compile(
    r"(?i)(?<![A-Za-z0-9])(?P<scheme>bearer|basic)(?::|['\"]?,)?(?:\s|%20|\+){1,4}+['\"]?(?P<secret>[A-Za-z0-9._~+/=%-]{8,}+)"
)
_WORDS = re.compile(r"(?:[A-Z]?[a-z]{2,}+[-_./]?+)++[.]?|[A-Z]++[.]?|[a-z]++[.]?")
_PEM = re.compile(r"(?i)----[- ]BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?[- ]----")
_PEM_END = re.compile(r"(?i)----[- ]END ")


def by_shape(text: str) -> Iterator[Found]:
    """Secrets of a published shape, bearer and basic credentials, and private keys, in no order."""
    lowered = text.lower()
    for shape in dict.fromkeys(shape for hint, shape in _BY_HINT if hint in lowered):
        for match in _compiled(shape.pattern).finditer(text):
            group = "secret" if "secret" in match.re.groupindex else 0
            yield Found(shape.kind, *match.span(group))
    if "bearer" in lowered or "basic" in lowered:
        for match in _CREDENTIALS.finditer(text):
            if not is_wording(match["secret"]):
                kind = SecretKind.BASIC_CREDENTIALS if match["scheme"].lower() == "basic" else SecretKind.BEARER_TOKEN
                yield Found(kind, *match.span("secret"))
    yield from _private_keys(text)


def is_wording(text: str) -> bool:
    """Whether it reads as words (``authentication``, ``BasicAuthHandler``, ``AUTH``) of at most 24 letters each."""
    return bool(_WORDS.fullmatch(text)) and max(map(len, re.split(r"[-_./]", text))) <= 24


def _private_keys(text: str) -> Iterator[Found]:
    """Keys in textual encoding, lines escaped or not; one that was cut off hides the rest of the text."""
    position = 0
    while begin := _PEM.search(text, position):
        close = _PEM_END.search(text, begin.end())
        if close is None:
            yield Found(SecretKind.PRIVATE_KEY, begin.end(), len(text))
            return
        yield Found(SecretKind.PRIVATE_KEY, begin.end(), close.start())
        position = close.start()


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compiled at first use: most are never needed, and Quell's commands start without them."""
    return re.compile(pattern)
