"""Backup, its verification, restore and moving: everything an archive is, put in a second place and brought back.

Everything is named by what it is: parts of tables, lists of objects and objects lie under (keyed) digests, so a run
that was killed goes on where it stood, and what is there already is not copied again. A snapshot counts only once its
manifest, written last, is there.
"""
