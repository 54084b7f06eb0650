"""Finding (检索): one text pipeline, one query language, one port, several engines."""
