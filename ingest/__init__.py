"""Intake (收件): from a file that arrives to pages that are read and described."""
