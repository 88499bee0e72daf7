"""The world outside, each part with a null twin: mail, SMS, stored files; and what is sealed. May import domain and runtime.

Nothing here is loaded when the program starts: whoever sends or stores, imports when there is something to send or store.
"""
