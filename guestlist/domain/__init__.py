"""What is true: identifiers, states, consent, policy, facts. No I/O, no clock."""
