"""Which names hold secrets: environment variables, fields, headers, flags, parameters."""

from __future__ import annotations

import re
from functools import lru_cache

_SECRET = re.compile(
    r"""(?ix)
    (?:^|[_.\-])
    (?: token | secret | password | passwd | pwd | pass_?phrase | passcode | authorization | cookie | credential | cred
      | api_?(?:key|token)
      | (?:access|account|admin|app|application|auth|client|encryption|ingest|integration|license|master|pre_?shared
          |private|secret|service_role|shared_access|sharedaccess|signing|ssh|storage|unseal|webhook)_?key(?:_data)?
      | (?<=[_.\-])pass | (?<=redis)cli_auth | requirepass | masterauth | psk
      | (?:[_.\-]|db|root|bind|user|admin)?p(?:s?w|swd)
      | (?:store|key|trust|user|db|root|admin|bind|smtp|mail)_?pass
      | passwor[td] | passe | kennwort | wachtwoord | contrase[nñ]a | senha | heslo | parola | mot_de_passe
      | пароль | 密[码碼] | パスワード | 비밀번호
    )s?
    (?: _?\d{1,3}
      | [_.\-](?:old|new|prev|previous|current|prod|production|dev|test|staging|value|base|plain|plaintext|raw|string
          |confirm|confirmation|primary|secondary|default|b64|base64|encoded|replica)
    ){0,2}$
    | (?:password|passwd|passphrase|secret|apikey|accesskey|authtoken)\d{0,3}$
    """
)
_SUSPECT = re.compile(
    r"(?i)(?:^|[_.\-])(?:auth|sig|signature|sid|pass|hmac|otp|csrf|xsrf|routing_key|service_key|jwt|private_key_id"
    r"|secret_?id|community|(?<=[_.\-])pat)$"
    r"|sess(?:ion)?[_\-.]?(?:id|key)?$"
)
_NAMES_SOMETHING = re.compile(
    r"(?i)(?:^|[_.\-])(?:id|uid|uuid|hash|digest|sha\d*|checksum|integrity|etag|commit|revision|build|image|trace|span|traceparent"
    r"|traceid|spanid|requestid|fingerprint|path|file|url|uri|host|class|method|operation|version)s?$|[a-z]id$"
)


def in_words(key: str) -> str:
    """The name with its words apart: ``SecretAccessKey`` and ``secret-access-key`` as ``Secret_Access_Key``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", key).replace("-", "_")


@lru_cache(maxsize=4096)
def is_secret_key(key: str) -> bool:
    """Whether a key of that name usually holds a secret: ``SLACK_BOT_TOKEN``, ``db.password``, ``apiKey``."""
    return bool(_SECRET.search(in_words(key[-128:])))


@lru_cache(maxsize=4096)
def is_suspect_key(key: str) -> bool:
    """Whether it often does, and as often holds a word: ``session``, ``sig``, ``auth``."""
    return bool(_SUSPECT.search(in_words(key[-128:])))


@lru_cache(maxsize=4096)
def names_something(key: str) -> bool:
    """Whether it holds an id, a hash or a name, which may look drawn at random and is no secret."""
    return bool(_NAMES_SOMETHING.search(in_words(key[-128:])))
