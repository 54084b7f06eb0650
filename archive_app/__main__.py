"""`python -m archive_app` is the command line."""

from archive_app.cli import main

main()
