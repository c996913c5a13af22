"""The closed list of things that go wrong, used by scenarios, hypotheses and knowledge alike."""

from __future__ import annotations

from enum import StrEnum


class FaultKind(StrEnum):
    """What kind of fault a hypothesis names."""

    CRASH = "crash"
    HANG = "hang"
    CRASH_LOOP = "crash_loop"
    CPU_SATURATION = "cpu_saturation"
    MEMORY_LEAK = "memory_leak"
    MEMORY_LIMIT = "memory_limit"
    DISK_FULL = "disk_full"
    POOL_EXHAUSTED = "pool_exhausted"
    CACHE_FAILURE = "cache_failure"
    BAD_RELEASE = "bad_release"
    BAD_CONFIG = "bad_config"
    DEPENDENCY_DOWN = "dependency_down"
    DEPENDENCY_SLOW = "dependency_slow"
    NETWORK_DELAY = "network_delay"
    NETWORK_PARTITION = "network_partition"
    TRAFFIC_SURGE = "traffic_surge"
    NOISY_NEIGHBOUR = "noisy_neighbour"
    BAD_DATA = "bad_data"
    CERTIFICATE = "certificate"
    DNS = "dns"
    EXTERNAL = "external"
    FALSE_ALARM = "false_alarm"
    UNKNOWN = "unknown"
