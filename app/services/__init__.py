"""What people do: one function a use case, each with one ``transaction()``. Imports every floor below; never Flask.

Values in, values out: no row leaves this floor, and a use case never calls a use case.
"""
