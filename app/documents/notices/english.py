"""Messages in English, as it is written in Great Britain."""

from __future__ import annotations

from collections.abc import Mapping

from app.domain.templates import Text

_HELLO = "Hello{{#if customer_name}} {{ customer_name }}{{/if}},\n\n"
_FACTS = """
What: {{ service }}
When: {{ when }}
Where: {{ venue }}{{#if venue_address}}, {{ venue_address }}{{/if}}
{{#if resources}}
Reserved: {{ resources }}
{{/if}}
{{#if party_size}}
People: {{ party_size }}
{{/if}}
{{#if total}}
Total: {{ total }}
{{/if}}
Reference: {{ ref }}
"""
_WAS = "{{#if was}}\nBefore: {{ was }}\n{{/if}}\n"
_REASON = "\n{{#if reason}}\nReason: {{ reason }}\n{{/if}}\n"
_MANAGE = "\n{{#if manage_url}}\nChange or cancel this booking:\n{{ manage_url }}\n{{/if}}\n"
_LOOK = "\n{{#if manage_url}}\nLook at this booking:\n{{ manage_url }}\n{{/if}}\n"
_BYE = """
{{#if venue_email}}
Any questions? Just answer this mail.
{{/if}}
{{#if venue_phone}}
By telephone you reach us at {{ venue_phone }}.
{{/if}}

{{ venue }}
"""
_AT = "{{ service }} at {{ venue }}, {{ when }}. Ref {{ ref }}."
_LINK = "{{#if manage_url}} Change or cancel: {{ manage_url }}{{/if}}"
_WHY = "{{#if reason}} Reason: {{ reason }}{{/if}}"
_STAFF_FACTS = """
Customer: {{ customer_name }}
What: {{ service }}
When: {{ when }}
Where: {{ venue }}{{#if resources}}, {{ resources }}{{/if}}
{{#if party_size}}
People: {{ party_size }}
{{/if}}
{{#if total}}
Total: {{ total }}
{{/if}}
Reference: {{ ref }}
"""
_STAFF_AT = "{{ customer_name }}, {{ service }}, {{ when }}{{#if resources}}, {{ resources }}{{/if}}. Ref {{ ref }}."
_CODE = "{{ code }} is your code for {{ host }}. It is good for 5 minutes. Never tell it to anybody."
_UNASKED = "\n\nIf you have not asked for it, ignore this message: nothing happens without the code."
_NOT_YOU = "\n\nIf that was not you, sign in and change your password, and tell us."
_TELL_US = " If that was not you, tell us."

ENGLISH_PHRASES: Mapping[str, str] = {
    "totp.set_up": "it was set up",
    "totp.taken_off": "it was taken off",
    "totp.new_recovery_codes": "it has new recovery codes",
    "totp.by_admin": "an admin has set up another one",
}
ENGLISH: Mapping[str, Text] = {
    "code.register": Text(
        "{{ code }} is your code to register",
        "Welcome!\n\nYour code is {{ code }}\n\nEnter it where you have just registered at {{ host }}; it is good for "
        "5 minutes." + _UNASKED,
        _CODE,
    ),
    "code.sign_in": Text(
        "{{ code }} is your code to sign in",
        "Your code is {{ code }}\n\nEnter it where you are signing in at {{ host }}; it is good for 5 minutes. "
        "Never tell it to anybody." + _UNASKED,
        _CODE,
    ),
    "code.reset": Text(
        "{{ code }} is your code for a new password",
        "Your code is {{ code }}\n\nEnter it at {{ host }} to choose a new password; it is good for 5 minutes.\n\n"
        "If you have not asked for it, ignore this message: your password stays as it is.",
        _CODE,
    ),
    "code.change_email": Text(
        "{{ code }} is your code to confirm this address",
        "Your code is {{ code }}\n\nEnter it at {{ host }} to make this the address of your account; it is good for "
        "5 minutes." + _UNASKED,
        _CODE,
    ),
    "code.change_phone": Text("{{ code }} is your code to confirm this number", _CODE, _CODE),
    "account.exists": Text(
        "You have an account already",
        "Somebody, probably you, has just tried to register with this address at {{ host }}. It has an account "
        "already: sign in with a code instead.\n\nIf that was not you, there is nothing to do.",
        "This number has an account at {{ host }} already: sign in with a code instead.",
    ),
    "account.email_changed": Text(
        "The e-mail address of your account was changed",
        "The e-mail address of your account at {{ host }} is another one from now on." + _NOT_YOU,
        "The e-mail address of your account at {{ host }} was changed." + _TELL_US,
    ),
    "account.phone_changed": Text(
        "The telephone number of your account was changed",
        "The telephone number of your account at {{ host }} is another one from now on." + _NOT_YOU,
        "The telephone number of your account at {{ host }} was changed." + _TELL_US,
    ),
    "account.password_changed": Text(
        "Your password was changed",
        "The password of your account at {{ host }} was changed, and every other session was ended." + _NOT_YOU,
        "The password of your account at {{ host }} was changed." + _TELL_US,
    ),
    "account.totp_changed": Text(
        "The second factor of your account was changed",
        "The second factor of your account at {{ host }} was changed: {{ what }}." + _NOT_YOU,
        "The second factor of your account at {{ host }} was changed." + _TELL_US,
    ),
    "account.recovery_code_used": Text(
        "A recovery code was used",
        "Somebody has signed in to your account at {{ host }} with a recovery code." + _NOT_YOU,
        "A recovery code was used for your account at {{ host }}." + _TELL_US,
    ),
    "account.erased": Text(
        "Your account was deleted",
        "Your account at {{ host }} was deleted, with your name and addresses. This is the last message about it.\n\n"
        "Thank you for having been with us.",
        "Your account at {{ host }} was deleted.",
    ),
    "account.role_changed": Text(
        "What you may do was changed",
        "An admin has changed what your account at {{ host }} may do, and ended its sessions. Sign in again to go on."
        + _NOT_YOU,
        "What your account at {{ host }} may do was changed." + _TELL_US,
    ),
    "account.disabled": Text(
        "Your account was closed for now",
        "An admin has closed your account at {{ host }} for now: nobody can sign in to it. If you do not know why, ask us.",
        "Your account at {{ host }} was closed for now. If you do not know why, ask us.",
    ),
    "account.enabled": Text(
        "Your account is open again",
        "Your account at {{ host }} is open again: you can sign in to it." + _NOT_YOU,
        "Your account at {{ host }} is open again.",
    ),
    "account.api_key_made": Text(
        "A key for servers was made",
        "A key with which a server may act at {{ host }} was made from your account." + _NOT_YOU,
        "A key for servers was made from your account at {{ host }}." + _TELL_US,
    ),
    "booking.confirmed": Text(
        "Your booking: {{ service }}, {{ starts }}",
        _HELLO + "Your booking is confirmed. We look forward to seeing you.\n" + _FACTS + _MANAGE + _BYE,
        "Booked: " + _AT + _LINK,
    ),
    "booking.requested": Text(
        "Your request: {{ service }}, {{ starts }}",
        _HELLO + "Thank you for your request. The time is kept for you until we have answered"
        "{{#if answer_by}}, at the latest on {{ answer_by }}{{/if}}.\n" + _FACTS + _MANAGE + _BYE,
        "Requested: " + _AT + " We will answer soon." + _LINK,
    ),
    "booking.approved": Text(
        "Confirmed: {{ service }}, {{ starts }}",
        _HELLO + "Good news: your request is approved, and your booking is confirmed.\n" + _FACTS + _MANAGE + _BYE,
        "Confirmed: " + _AT + _LINK,
    ),
    "booking.declined": Text(
        "Your request could not be accepted: {{ service }}, {{ starts }}",
        _HELLO
        + "We are sorry: we could not accept your request for this time.\n"
        + _REASON
        + _FACTS
        + _LOOK
        + "\nAnother time may still be free; you are welcome to book again.\n"
        + _BYE,
        "Sorry, we could not accept your request: " + _AT + _WHY,
    ),
    "booking.rescheduled": Text(
        "Moved to {{ starts }}: {{ service }}",
        _HELLO + "Your booking was moved to another time.\n" + _REASON + _FACTS + _WAS + _MANAGE + _BYE,
        "Moved: " + _AT + _LINK,
    ),
    "booking.cancelled": Text(
        "Cancelled: {{ service }}, {{ starts }}",
        _HELLO
        + "Your booking was cancelled. There is nothing else to do.\n"
        + _REASON
        + _FACTS
        + _LOOK
        + "\nWe hope to see you another time.\n"
        + _BYE,
        "Cancelled: " + _AT + _WHY,
    ),
    "booking.expired": Text(
        "Your request was not answered in time: {{ service }}, {{ starts }}",
        _HELLO
        + "We are sorry: your request was not answered in time, and the time is no longer kept for you.\n"
        + _FACTS
        + _LOOK
        + "\nYou are welcome to choose another time, or to get in touch with us.\n"
        + _BYE,
        "Sorry, your request was not answered in time: " + _AT,
    ),
    "booking.reminder": Text(
        "See you soon: {{ service }}, {{ starts }}",
        _HELLO + "This is to remind you of your booking. We look forward to seeing you.\n" + _FACTS + _MANAGE + _BYE,
        "Reminder: " + _AT + _LINK,
    ),
    "staff.booked": Text(
        "Booked: {{ service }}, {{ starts }}, {{ customer_name }}",
        "There is a new booking.\n" + _STAFF_FACTS,
        "Booked: " + _STAFF_AT,
    ),
    "staff.requested": Text(
        "To be answered: {{ service }}, {{ starts }}, {{ customer_name }}",
        "There is a new request. Please approve or decline it"
        "{{#if answer_by}} by {{ answer_by }}; it lapses then{{/if}}.\n" + _STAFF_FACTS,
        "Requested: " + _STAFF_AT + "{{#if answer_by}} Answer by {{ answer_by }}.{{/if}}",
    ),
    "staff.cancelled": Text(
        "Cancelled: {{ service }}, {{ starts }}, {{ customer_name }}",
        "A booking was cancelled; its time is free again.\n" + _STAFF_FACTS + _REASON,
        "Cancelled: " + _STAFF_AT + _WHY,
    ),
    "staff.rescheduled": Text(
        "Moved to {{ starts }}: {{ service }}, {{ customer_name }}",
        "A booking was moved to another time.\n" + _STAFF_FACTS + _WAS + _REASON,
        "Moved: " + _STAFF_AT + "{{#if was}} Before: {{ was }}.{{/if}}",
    ),
    "staff.expired": Text(
        "Not answered in time: {{ service }}, {{ starts }}, {{ customer_name }}",
        "A request was not answered in time. Its time is free again, and the customer was told so.\n" + _STAFF_FACTS,
        "Not answered in time: " + _STAFF_AT,
    ),
}
