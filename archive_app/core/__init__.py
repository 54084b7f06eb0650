"""Ground floor: words, errors, settings, ports, tables, audit and the unit of work. No Flask, no adapter."""
