"""The tables of the first revision by subject; it alone calls them, and later ones change what they made."""
