"""Reading a bitmap: the engines behind `archive_app.core.ports.OcrEngine`, orientation and reading order.

An engine runs in the calling process on one thread, so that N processes use N cores; it never opens a connection.
"""
