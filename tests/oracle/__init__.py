"""A second implementation of the rules, in plain Python, one entity at a time, written from the domain documents alone.

Each function takes plain records and returns outcomes (``met``, ``late``, ``overdue``, ``undecided``, ``exempt``,
``not_judgeable``). Nothing here reads SQL or shares code with the package.
"""
