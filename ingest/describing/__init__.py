"""From read pages to a description: type, class, title, date, fields and parties, each with its evidence.

Pure functions: what was read and the reference tables go in, candidates with evidence come out. What is not certain is
said to be doubtful and sends the record to a person; nothing is guessed silently.
"""
