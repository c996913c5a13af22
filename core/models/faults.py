"""The closed list of things that go wrong, used by scenarios, hypotheses and knowledge alike, and of what helps."""

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
    INCOMPLETE_RELEASE = "incomplete_release"
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


class Remedy(StrEnum):
    """What ends a fault, whether Quell may do it or a human has to."""

    RESTART = "restart"
    ROLLBACK = "rollback"
    ROLL_FORWARD = "roll_forward"
    REVERT_CONFIG = "revert_config"
    SCALE = "scale"
    RESCHEDULE = "reschedule"
    PURGE_DATA = "purge_data"
    FREE_SPACE = "free_space"
    FAILOVER = "failover"
    REPAIR_NETWORK = "repair_network"
    RENEW_CERTIFICATE = "renew_certificate"


REMEDY_OF: dict[FaultKind, Remedy] = {
    FaultKind.CRASH: Remedy.RESTART,
    FaultKind.HANG: Remedy.RESTART,
    FaultKind.CRASH_LOOP: Remedy.ROLLBACK,
    FaultKind.CPU_SATURATION: Remedy.RESTART,
    FaultKind.MEMORY_LEAK: Remedy.RESTART,
    FaultKind.MEMORY_LIMIT: Remedy.RESTART,
    FaultKind.DISK_FULL: Remedy.FREE_SPACE,
    FaultKind.POOL_EXHAUSTED: Remedy.SCALE,
    FaultKind.CACHE_FAILURE: Remedy.RESTART,
    FaultKind.BAD_RELEASE: Remedy.ROLLBACK,
    FaultKind.BAD_CONFIG: Remedy.REVERT_CONFIG,
    FaultKind.INCOMPLETE_RELEASE: Remedy.ROLL_FORWARD,
    FaultKind.DEPENDENCY_DOWN: Remedy.FAILOVER,
    FaultKind.NETWORK_DELAY: Remedy.REPAIR_NETWORK,
    FaultKind.NETWORK_PARTITION: Remedy.REPAIR_NETWORK,
    FaultKind.TRAFFIC_SURGE: Remedy.SCALE,
    FaultKind.NOISY_NEIGHBOUR: Remedy.RESCHEDULE,
    FaultKind.BAD_DATA: Remedy.PURGE_DATA,
    FaultKind.CERTIFICATE: Remedy.RENEW_CERTIFICATE,
    FaultKind.DNS: Remedy.REPAIR_NETWORK,
    FaultKind.EXTERNAL: Remedy.FAILOVER,
}
"""What ends each kind of fault for good. Kinds without a row need a human who finds out more."""
