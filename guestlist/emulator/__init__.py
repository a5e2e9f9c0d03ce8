"""A stand-alone Graph API with a crowd of pretend people. Imports nothing of ours."""
