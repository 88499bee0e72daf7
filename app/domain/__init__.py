"""What is true: frozen values and decisions. Imports the standard library and nothing else.

No Flask, no SQLAlchemy, no I/O and no clock in here: ``now`` and settings are arguments.
"""
