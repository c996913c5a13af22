"""One service of the shop as a process: ``python -P -m drills.shop.service --name N --role R --port P ...``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from core.clock import Clock, clock_ahead
from drills.shop.handlers import ROUTES
from drills.shop.roles import LOOPBACK, Role, ServiceConfig
from drills.shop.tracing import Tracer
from drills.shop.web import Application, JsonLog, Server


def _pair(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{path}: {error.strerror}") from error


def parse(arguments: Sequence[str] | None = None) -> tuple[ServiceConfig, Clock]:
    """Read a command line (the process's own when None); exits with code 2 and a usage line when it is wrong."""
    parser = argparse.ArgumentParser(prog="drills.shop.service", description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--role", required=True, type=Role, choices=list(Role))
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument("--host", default=LOOPBACK, help="address to listen on")
    parser.add_argument("--dependency", action="append", default=[], type=_pair, metavar="ROLE=URL")
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--timeout-seconds", type=float, default=1.0)
    parser.add_argument("--tax-rate", action="append", default=[], type=_pair, metavar="COUNTRY=PERCENT")
    parser.add_argument("--memory-limit-bytes", type=int, default=0, help="of its container, told with the metrics")
    parser.add_argument("--clock-offset-seconds", type=float, default=0.0, help="added to the times in the log")
    parser.add_argument("--otlp-endpoint", default="", metavar="URL", help="send spans there, to /v1/traces")
    parser.add_argument("--otlp-token-file", type=_read, metavar="PATH", help="bearer token for it")
    given = parser.parse_args(arguments)
    clock = clock_ahead(given.clock_offset_seconds)
    config = ServiceConfig(
        name=given.name,
        role=given.role,
        port=given.port,
        host=given.host,
        dependencies={Role(role): url for role, url in given.dependency},
        workers=given.workers,
        timeout_seconds=given.timeout_seconds,
        tax_rates={country: int(percent) for country, percent in given.tax_rate},
        memory_limit_bytes=given.memory_limit_bytes,
        tracer=_tracer(given.name, clock, given.otlp_endpoint, given.otlp_token_file or ""),
    )
    return config, clock


def _tracer(name: str, clock: Clock, endpoint: str, token: str) -> Tracer:
    if not endpoint:
        return Tracer(clock)
    from drills.shop.otlp import SpanSender  # the SDK costs 0.2 s and 12 MiB: only where it is used

    return Tracer(clock, SpanSender(name, endpoint, token))


def build(config: ServiceConfig, clock: Clock, log: JsonLog | None = None) -> Server:
    """A server that listens, not yet serving."""
    log = log or JsonLog(config.name, clock)
    application = Application(ROUTES[config.role](config), config, log, clock)
    return Server(application, config.port, config.host)


SWITCH_SECONDS = 0.001
"""Threads take turns five times as often as Python's default, so that a busy service still tells its health soon."""


def main() -> None:
    """Serve until a signal ends the process."""
    sys.setswitchinterval(SWITCH_SECONDS)
    config, clock = parse()
    server = build(config, clock)
    JsonLog(config.name, clock).write("info", f"listening on port {config.port}")
    server.serve_forever()


if __name__ == "__main__":
    main()
