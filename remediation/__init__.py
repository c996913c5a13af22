"""Policy, guardrails, approvals, execution, verification, undo."""
