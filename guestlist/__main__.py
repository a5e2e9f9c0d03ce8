"""`python -m guestlist`."""

from guestlist.cli.main import main

main()
