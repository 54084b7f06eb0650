"""The schema's history: one chain, expand, backfill, contract."""
