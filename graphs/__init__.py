"""The state machine that routes incidents."""
