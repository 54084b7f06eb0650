"""The health of an archive: its parts are asked, each in its own time, and say what to do where they are not well."""
