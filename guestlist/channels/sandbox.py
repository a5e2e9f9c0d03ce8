"""The sandbox: an account whose provider is nobody. It accepts every text and e-mail, keeps nothing and reaches no one."""

from __future__ import annotations

from .base import Accepted, PartCall, Probe, Refused, Sender

PROVIDER = "sandbox"


class SandboxGateway:
    """Says yes. Its id is made from the part's, so that a rehearsal can tell what became of what."""

    async def send(self, sender: Sender, call: PartCall) -> Accepted | Refused:
        """Accepted."""
        return Accepted(f"sandbox-{call.part_id}")

    async def probe(self, sender: Sender) -> Probe:
        """Always well."""
        return Probe(True, "ok", "A sandbox: everything is accepted, nothing is sent.")
