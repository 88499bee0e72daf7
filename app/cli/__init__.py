"""The same use cases for admins with a shell. Imports services, persistence and click; never web.

The table is all that the web's processes load of this room: a group's module is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.groups import LazyGroup

if TYPE_CHECKING:
    from flask import Flask

# name -> (module:object, what it is for)
GROUPS = {
    "db": ("app.cli.db:group", "The database's tables: bring them up to date, or see whether they are."),
    "catalogue": ("app.cli.catalogue:group", "Venues, resources and services: import, export, show, archive, restore."),
    "blackouts": ("app.cli.blackouts:group", "Times in which nobody may book: import, list, add, delete."),
    "busy-calendars": (
        "app.cli.busy_calendars:group",
        "Calendars elsewhere that keep a resource busy: add, list, remove, refresh.",
    ),
    "imports": ("app.cli.imports:group", "Bookings and customers from CSV, busy times from calendar files."),
    "slots": ("app.cli.slots:group", "Free times, and why a time is not free."),
    "bookings": ("app.cli.bookings:group", "Bookings: list, show, approve, decline, cancel."),
    "desk": (
        "app.cli.desk:group",
        "Bookings all day long: search, calendar, book, check in, complete, notes, history.",
    ),
    "customers": ("app.cli.customers:group", "Customers: list, show, change, merge, duplicates, archive, erase."),
    "exports": ("app.cli.exports:group", "Bookings, day sheets and occupancy as files: CSV, JSON Lines, PDF."),
    "reports": ("app.cli.reports:group", "Occupancy, revenue, cancellations and lead times as figures."),
    "holds": ("app.cli.holds:group", "Times kept while a form is filled in: sweep those that are over."),
    "idempotency": ("app.cli.idempotency:group", "Answers kept for requests that come twice: sweep the old ones."),
    "users": (
        "app.cli.users:group",
        "Accounts: create, list, show, disable, roles, passwords, second factors, sessions.",
    ),
    "api-keys": ("app.cli.api_keys:group", "Keys of servers that call the interface: create, list, revoke."),
    "outbox": ("app.cli.outbox:group", "Messages that are owed to somebody: drain, list."),
    "messages": ("app.cli.messages:group", "The words of messages: list, show, preview, edit, reset."),
    "webhooks": (
        "app.cli.webhooks:group",
        "Servers that are told of bookings: list, add, show, remove, rotate, test, deliveries, replay.",
    ),
    "uploads": ("app.cli.uploads:group", "Files on their way: sweep what is over, list."),
    "cron": ("app.cli.cron:command", "Do what is due: messages, unanswered requests, whatever is over."),
    "audit": ("app.cli.audit:group", "What was done, by whom and when: list, export."),
    "backup": ("app.cli.backup:group", "The whole installation as one file: `backup FILE`, `backup verify FILE`."),
    "restore": ("app.cli.backup:restore_command", "Bring the installation back from a backup."),
    "cpanel": ("app.cli.cpanel:group", "The files that a host with cPanel needs beside the program: init, check."),
    "doctor": ("app.cli.doctor:command", "Check this installation and say what to do."),
    "demo": ("app.cli.demo:group", "A hall to try things on."),
}


def init_app(app: Flask) -> None:
    """Give ``flask`` the commands of this program."""
    for name, (target, about) in GROUPS.items():
        app.cli.add_command(LazyGroup(name, target, about))
