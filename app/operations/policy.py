"""What Quell may do, and the switch that stops all of it."""

from __future__ import annotations

from app.operations.arguments import Note, Who
from app.operations.context import Context
from app.operations.operation import get, post
from app.operations.outputs import PolicyState
from app.settings import PolicyFile
from remediation.facts import KILL_SWITCH, kill_switch_on
from remediation.policy import ActionPolicy
from stores.store import Tx


@get("/api/policy", PolicyState)
async def show_policy(context: Context) -> PolicyState:
    """The action policy that applies, and whether all actions are stopped."""
    async with context.store.read() as tx:
        return await _state(context, tx)


@post("/api/policy/stop", PolicyState)
async def stop_all_actions(context: Context, *, by: Who = "api", reason: Note = "") -> PolicyState:
    """Pull the kill switch: no action is carried out, by anybody, until it is released. Diagnosis goes on."""
    return await _switch(context, stopped=True, by=by, reason=reason)


@post("/api/policy/resume", PolicyState)
async def resume_actions(context: Context, *, by: Who = "api", reason: Note = "") -> PolicyState:
    """Release the kill switch."""
    return await _switch(context, stopped=False, by=by, reason=reason)


async def _switch(context: Context, *, stopped: bool, by: str, reason: str) -> PolicyState:
    async with context.store.write() as tx:
        await tx.flags.set(KILL_SWITCH, by if stopped else "")
        action = "policy.stop" if stopped else "policy.resume"
        await tx.audit.append(by, action, KILL_SWITCH, {"reason": reason})
        return await _state(context, tx)


async def _state(context: Context, tx: Tx) -> PolicyState:
    stopped = await kill_switch_on(tx)
    policy = context.settings.policy
    if isinstance(policy, ActionPolicy):
        source = "quell.yaml"
    else:
        source = (
            str(context.settings.path(policy.file)) if isinstance(policy, PolicyFile) and policy.file else "default"
        )
    return PolicyState(stopped=stopped, source=source, policy=context.settings.action_policy)
