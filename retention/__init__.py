"""Keeping (保管): how long, why, and what ends it."""
