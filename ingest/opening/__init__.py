"""Files from outside are opened here, and only here: in child processes with limits, which may die without harm."""
