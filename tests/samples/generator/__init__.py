"""Draws the sample papers: invented persons' insurance forms, degraded as scanners and fax machines degrade them."""
