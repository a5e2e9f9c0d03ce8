"""Things several rooms' tests lean on."""
