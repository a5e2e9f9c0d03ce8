"""Where sources about the wire disagree: the documented default, and a switch to the other form (fact page 13)."""

from __future__ import annotations

from .errors import invalid

# name -> allowed values, the default first
SWITCHES: dict[str, tuple[str, ...]] = {
    "audience_create": ("id", "data"),
    "envelope": ("changes", "flat_entry", "flat_body"),
    "upload_status_object": ("page", "ad_account"),
    "upload_status": ("SUCCESS", "FAILED"),
    "marketing_errors": ("code", "subcode"),
    "warm_up_refusal": ("2300041", "2300012"),
    "optin_answer": ("nested", "flat"),
    "token_send_answer": ("string", "object", "recipient_id"),
    "invalid_samples": ("map", "list"),
    "list_born_ids": ("absent", "null"),
    "require_proof": ("off", "on"),
    "phone_matching": ("enabled", "suspended"),
    "matching_prior": ("present", "absent"),
}


class Switches:
    """The forms in force."""

    def __init__(self) -> None:
        self._values = {name: allowed[0] for name, allowed in SWITCHES.items()}

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def show(self) -> dict[str, str]:
        return dict(self._values)

    def set(self, name: str, value: object) -> None:
        """Errors: 100 for an unknown switch or form."""
        if name not in SWITCHES:
            raise invalid(f"Unknown switch {name[:60]!r}; there are {', '.join(SWITCHES)}")
        if value not in SWITCHES[name]:
            raise invalid(f"Switch {name} must be one of {', '.join(SWITCHES[name])}")
        self._values[name] = str(value)
