"""What watches the shop where it is served: a Prometheus that scrapes each second, its alert rules, an Alertmanager.

As in production, only what users notice is alerted on: the rules are about services of tier 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drills.environments import Api
from drills.environments.configuration import Ports
from drills.shop.roles import LOOPBACK, Role
from drills.shop.topology import SHOP

SCRAPE_INTERVAL = "1s"

_REQUESTS = 'sum by (service) (rate(http_requests_total{tier="1"}[4s]))'
_ERRORS = 'sum by (service) (rate(http_requests_total{tier="1",code=~"5.."}[4s]))'
_LATENCY = 'histogram_quantile(0.95, sum by (service, le) (rate(http_request_duration_seconds_bucket{tier="1"}[4s])))'

RULES: Mapping[str, Any] = {
    "groups": [
        {
            "name": "shop",
            "rules": [
                {
                    "alert": "ServiceDown",
                    "expr": 'up{tier="1"} == 0',
                    "for": "2s",
                    "labels": {"severity": "critical"},
                    "annotations": {"summary": "{{ $labels.service }} is down"},
                },
                {
                    "alert": "HighErrorRate",
                    "expr": f"{_ERRORS} / {_REQUESTS} > 0.05",
                    "for": "1s",
                    "labels": {"severity": "critical"},
                    "annotations": {
                        "summary": "{{ $labels.service }} fails {{ $value | humanizePercentage }} of its requests"
                    },
                },
                {
                    "alert": "HighLatency",
                    "expr": f"{_LATENCY} > 0.5",
                    "for": "2s",
                    "labels": {"severity": "warning"},
                    "annotations": {"summary": "{{ $labels.service }} is slow: {{ $value | humanizeDuration }}"},
                },
            ],
        }
    ]
}


def prometheus_configuration(names: Mapping[Role, str], ports: Ports) -> dict[str, Any]:
    """prometheus.yml, with the rules in ``rules.yml`` beside it."""
    targets = [
        {
            "targets": [f"{LOOPBACK}:{ports.services[role]}"],
            "labels": {"service": names[role], "tier": str(placement.tier)},
        }
        for role, placement in SHOP.items()
    ]
    alertmanager = {"static_configs": [{"targets": [f"{LOOPBACK}:{ports.alertmanager}"]}]}
    return {
        "global": {
            "scrape_interval": SCRAPE_INTERVAL,
            "scrape_timeout": SCRAPE_INTERVAL,
            "evaluation_interval": SCRAPE_INTERVAL,
        },
        "rule_files": ["rules.yml"],
        "alerting": {"alertmanagers": [alertmanager]},
        "scrape_configs": [{"job_name": "shop", "static_configs": targets}],
    }


def alertmanager_configuration(api: Api) -> dict[str, Any]:
    """alertmanager.yml: everything goes to Quell, at once, with its token."""
    hook = {
        "url": f"{api.url}/api/alerts/webhook",
        "send_resolved": True,
        "http_config": {"authorization": {"type": "Bearer", "credentials": api.token}},
    }
    return {
        "route": {
            "receiver": "quell",
            "group_by": ["service"],
            "group_wait": "0s",
            "group_interval": "1s",
            "repeat_interval": "1h",
        },
        "receivers": [{"name": "quell", "webhook_configs": [hook]}],
    }
