"""The process: settings, logs, memory, start-up. Imports the standard library, and gevent where the server brings it."""
