"""Events to customers' endpoints: shaped, signed, posted past the address guard, tried again by a schedule."""
