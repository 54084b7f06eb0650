"""Accounts: who may sign in, with what credential, and as which viewer."""

from archive_app.accounts.book import LOCK_AFTER, Account, Accounts, has_administrators, new_codes
from archive_app.accounts.tokens import IssuedToken, Tokens

__all__ = ["LOCK_AFTER", "Account", "Accounts", "IssuedToken", "Tokens", "has_administrators", "new_codes"]
