"""The channels: a contract, a registry, then one folder each: messenger/ sms/ email/."""
