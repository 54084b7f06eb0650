"""The site and the API: the only package that knows HTTP."""
