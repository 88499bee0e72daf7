"""Messages in German."""

from __future__ import annotations

from collections.abc import Mapping

from app.domain.templates import Text

_HELLO = "Guten Tag{{#if customer_name}} {{ customer_name }}{{/if}},\n\n"
_FACTS = """
Was: {{ service }}
Wann: {{ when }}
Wo: {{ venue }}{{#if venue_address}}, {{ venue_address }}{{/if}}
{{#if resources}}
Reserviert: {{ resources }}
{{/if}}
{{#if party_size}}
Personen: {{ party_size }}
{{/if}}
{{#if total}}
Summe: {{ total }}
{{/if}}
Buchungsnummer: {{ ref }}
"""
_WAS = "{{#if was}}\nBisher: {{ was }}\n{{/if}}\n"
_REASON = "\n{{#if reason}}\nGrund: {{ reason }}\n{{/if}}\n"
_MANAGE = "\n{{#if manage_url}}\nDiese Buchung ändern oder stornieren:\n{{ manage_url }}\n{{/if}}\n"
_LOOK = "\n{{#if manage_url}}\nDiese Buchung ansehen:\n{{ manage_url }}\n{{/if}}\n"
_BYE = """
{{#if venue_email}}
Haben Sie Fragen? Antworten Sie einfach auf diese Mail.
{{/if}}
{{#if venue_phone}}
Telefonisch erreichen Sie uns unter {{ venue_phone }}.
{{/if}}

{{ venue }}
"""
_AT = "{{ service }}, {{ venue }}, {{ when }}. Nr. {{ ref }}."
_LINK = "{{#if manage_url}} Ändern oder stornieren: {{ manage_url }}{{/if}}"
_WHY = "{{#if reason}} Grund: {{ reason }}{{/if}}"
_STAFF_FACTS = """
Kunde: {{ customer_name }}
Was: {{ service }}
Wann: {{ when }}
Wo: {{ venue }}{{#if resources}}, {{ resources }}{{/if}}
{{#if party_size}}
Personen: {{ party_size }}
{{/if}}
{{#if total}}
Summe: {{ total }}
{{/if}}
Buchungsnummer: {{ ref }}
"""
_STAFF_AT = "{{ customer_name }}, {{ service }}, {{ when }}{{#if resources}}, {{ resources }}{{/if}}. Nr. {{ ref }}."
_CODE = "{{ code }} ist Ihr Code für {{ host }}. Er gilt 5 Minuten. Geben Sie ihn nie weiter."
_UNASKED = "\n\nHaben Sie keinen Code angefordert? Dann brauchen Sie nichts zu tun: Ohne den Code geschieht nichts."
_NOT_YOU = "\n\nWaren Sie das nicht? Dann melden Sie sich bitte an, ändern Sie Ihr Passwort und sagen Sie uns Bescheid."
_TELL_US = " Waren Sie das nicht? Dann sagen Sie uns bitte Bescheid."

GERMAN_PHRASES: Mapping[str, str] = {
    "totp.set_up": "Er wurde eingerichtet",
    "totp.taken_off": "Er wurde entfernt",
    "totp.new_recovery_codes": "Er hat neue Wiederherstellungscodes",
    "totp.by_admin": "Ein Administrator hat einen neuen eingerichtet",
}
GERMAN: Mapping[str, Text] = {
    "code.register": Text(
        "{{ code }} ist Ihr Code für die Registrierung",
        "Herzlich willkommen!\n\nIhr Code lautet {{ code }}\n\nGeben Sie ihn dort ein, wo Sie sich gerade bei "
        "{{ host }} registriert haben; er gilt 5 Minuten." + _UNASKED,
        _CODE,
    ),
    "code.sign_in": Text(
        "{{ code }} ist Ihr Code für die Anmeldung",
        "Ihr Code lautet {{ code }}\n\nGeben Sie ihn dort ein, wo Sie sich gerade bei {{ host }} anmelden; er gilt "
        "5 Minuten. Geben Sie ihn nie weiter." + _UNASKED,
        _CODE,
    ),
    "code.reset": Text(
        "{{ code }} ist Ihr Code für ein neues Passwort",
        "Ihr Code lautet {{ code }}\n\nGeben Sie ihn bei {{ host }} ein, um ein neues Passwort zu wählen; er gilt "
        "5 Minuten.\n\nHaben Sie keinen Code angefordert? Dann brauchen Sie nichts zu tun: Ihr Passwort bleibt, "
        "wie es ist.",
        _CODE,
    ),
    "code.change_email": Text(
        "{{ code }} ist Ihr Code, um diese Adresse zu bestätigen",
        "Ihr Code lautet {{ code }}\n\nGeben Sie ihn bei {{ host }} ein, damit dies die Adresse Ihres Kontos wird; "
        "er gilt 5 Minuten." + _UNASKED,
        _CODE,
    ),
    "code.change_phone": Text("{{ code }} ist Ihr Code, um diese Nummer zu bestätigen", _CODE, _CODE),
    "account.exists": Text(
        "Sie haben bereits ein Konto",
        "Gerade wollte sich jemand, wahrscheinlich Sie selbst, mit dieser Adresse bei {{ host }} registrieren. Zu ihr "
        "gibt es schon ein Konto: Melden Sie sich stattdessen mit einem Code an.\n\nWaren Sie das nicht? Dann "
        "brauchen Sie nichts zu tun.",
        "Zu dieser Nummer gibt es bei {{ host }} schon ein Konto: Melden Sie sich stattdessen mit einem Code an.",
    ),
    "account.email_changed": Text(
        "Die E-Mail-Adresse Ihres Kontos wurde geändert",
        "Die E-Mail-Adresse Ihres Kontos bei {{ host }} ist von jetzt an eine andere." + _NOT_YOU,
        "Die E-Mail-Adresse Ihres Kontos bei {{ host }} wurde geändert." + _TELL_US,
    ),
    "account.phone_changed": Text(
        "Die Telefonnummer Ihres Kontos wurde geändert",
        "Die Telefonnummer Ihres Kontos bei {{ host }} ist von jetzt an eine andere." + _NOT_YOU,
        "Die Telefonnummer Ihres Kontos bei {{ host }} wurde geändert." + _TELL_US,
    ),
    "account.password_changed": Text(
        "Ihr Passwort wurde geändert",
        "Das Passwort Ihres Kontos bei {{ host }} wurde geändert, und alle anderen Sitzungen wurden beendet."
        + _NOT_YOU,
        "Das Passwort Ihres Kontos bei {{ host }} wurde geändert." + _TELL_US,
    ),
    "account.totp_changed": Text(
        "Der zweite Faktor Ihres Kontos wurde geändert",
        "Der zweite Faktor Ihres Kontos bei {{ host }} wurde geändert: {{ what }}." + _NOT_YOU,
        "Der zweite Faktor Ihres Kontos bei {{ host }} wurde geändert." + _TELL_US,
    ),
    "account.recovery_code_used": Text(
        "Ein Wiederherstellungscode wurde verwendet",
        "Jemand hat sich mit einem Wiederherstellungscode in Ihrem Konto bei {{ host }} angemeldet." + _NOT_YOU,
        "Für Ihr Konto bei {{ host }} wurde ein Wiederherstellungscode verwendet." + _TELL_US,
    ),
    "account.erased": Text(
        "Ihr Konto wurde gelöscht",
        "Ihr Konto bei {{ host }} wurde gelöscht, samt Namen und Adressen. Dies ist die letzte Nachricht dazu.\n\n"
        "Danke, dass Sie bei uns waren.",
        "Ihr Konto bei {{ host }} wurde gelöscht.",
    ),
    "account.role_changed": Text(
        "Ihre Rechte wurden geändert",
        "Was Ihr Konto bei {{ host }} darf, wurde geändert; seine Sitzungen sind beendet. Melden Sie sich neu an."
        + _NOT_YOU,
        "Was Ihr Konto bei {{ host }} darf, wurde geändert." + _TELL_US,
    ),
    "account.disabled": Text(
        "Ihr Konto wurde vorerst gesperrt",
        "Ihr Konto bei {{ host }} wurde vorerst gesperrt: Niemand kann sich darin anmelden. Wenn Sie nicht wissen, warum, fragen Sie uns.",
        "Ihr Konto bei {{ host }} wurde vorerst gesperrt. Wenn Sie nicht wissen, warum, fragen Sie uns.",
    ),
    "account.enabled": Text(
        "Ihr Konto ist wieder offen",
        "Ihr Konto bei {{ host }} ist wieder offen: Sie können sich anmelden." + _NOT_YOU,
        "Ihr Konto bei {{ host }} ist wieder offen.",
    ),
    "account.api_key_made": Text(
        "Ein Schlüssel für Server wurde erstellt",
        "Mit Ihrem Konto wurde ein Schlüssel erstellt, mit dem ein Server bei {{ host }} handeln kann." + _NOT_YOU,
        "Mit Ihrem Konto bei {{ host }} wurde ein Schlüssel für Server erstellt." + _TELL_US,
    ),
    "booking.confirmed": Text(
        "Ihre Buchung: {{ service }}, {{ starts }}",
        _HELLO + "Ihre Buchung ist bestätigt. Wir freuen uns auf Sie.\n" + _FACTS + _MANAGE + _BYE,
        "Gebucht: " + _AT + _LINK,
    ),
    "booking.requested": Text(
        "Ihre Anfrage: {{ service }}, {{ starts }}",
        _HELLO + "vielen Dank für Ihre Anfrage. Wir halten den Termin für Sie frei, bis wir geantwortet haben"
        "{{#if answer_by}}, spätestens am {{ answer_by }}{{/if}}.\n" + _FACTS + _MANAGE + _BYE,
        "Angefragt: " + _AT + " Wir antworten bald." + _LINK,
    ),
    "booking.approved": Text(
        "Bestätigt: {{ service }}, {{ starts }}",
        _HELLO
        + "gute Nachrichten: Wir haben Ihre Anfrage angenommen, Ihre Buchung ist bestätigt.\n"
        + _FACTS
        + _MANAGE
        + _BYE,
        "Bestätigt: " + _AT + _LINK,
    ),
    "booking.declined": Text(
        "Leider nicht möglich: {{ service }}, {{ starts }}",
        _HELLO
        + "es tut uns leid: Diesen Termin können wir Ihnen nicht zusagen.\n"
        + _REASON
        + _FACTS
        + _LOOK
        + "\nVielleicht ist eine andere Zeit noch frei; wir freuen uns, wenn Sie es noch einmal versuchen.\n"
        + _BYE,
        "Leider nicht möglich: " + _AT + _WHY,
    ),
    "booking.rescheduled": Text(
        "Verlegt auf {{ starts }}: {{ service }}",
        _HELLO + "Ihre Buchung wurde auf eine andere Zeit verlegt.\n" + _REASON + _FACTS + _WAS + _MANAGE + _BYE,
        "Verlegt: " + _AT + _LINK,
    ),
    "booking.cancelled": Text(
        "Storniert: {{ service }}, {{ starts }}",
        _HELLO
        + "Ihre Buchung wurde storniert. Sie brauchen nichts weiter zu tun.\n"
        + _REASON
        + _FACTS
        + _LOOK
        + "\nWir würden uns freuen, Sie ein andermal zu sehen.\n"
        + _BYE,
        "Storniert: " + _AT + _WHY,
    ),
    "booking.expired": Text(
        "Ihre Anfrage blieb unbeantwortet: {{ service }}, {{ starts }}",
        _HELLO + "es tut uns leid: Ihre Anfrage wurde nicht rechtzeitig beantwortet, und der Termin wird nicht länger "
        "für Sie freigehalten.\n"
        + _FACTS
        + _LOOK
        + "\nWählen Sie gern eine andere Zeit, oder melden Sie sich bei uns.\n"
        + _BYE,
        "Ihre Anfrage wurde leider nicht rechtzeitig beantwortet: " + _AT,
    ),
    "booking.reminder": Text(
        "Bis bald: {{ service }}, {{ starts }}",
        _HELLO + "wir möchten Sie an Ihre Buchung erinnern und freuen uns auf Sie.\n" + _FACTS + _MANAGE + _BYE,
        "Erinnerung: " + _AT + _LINK,
    ),
    "staff.booked": Text(
        "Gebucht: {{ service }}, {{ starts }}, {{ customer_name }}",
        "Es gibt eine neue Buchung.\n" + _STAFF_FACTS,
        "Gebucht: " + _STAFF_AT,
    ),
    "staff.requested": Text(
        "Zu beantworten: {{ service }}, {{ starts }}, {{ customer_name }}",
        "Es gibt eine neue Anfrage. Bitte nehmen Sie sie an oder lehnen Sie sie ab"
        "{{#if answer_by}}, und zwar bis {{ answer_by }}; danach verfällt sie{{/if}}.\n" + _STAFF_FACTS,
        "Angefragt: " + _STAFF_AT + "{{#if answer_by}} Bitte antworten bis {{ answer_by }}.{{/if}}",
    ),
    "staff.cancelled": Text(
        "Storniert: {{ service }}, {{ starts }}, {{ customer_name }}",
        "Eine Buchung wurde storniert; der Termin ist wieder frei.\n" + _STAFF_FACTS + _REASON,
        "Storniert: " + _STAFF_AT + _WHY,
    ),
    "staff.rescheduled": Text(
        "Verlegt auf {{ starts }}: {{ service }}, {{ customer_name }}",
        "Eine Buchung wurde auf eine andere Zeit verlegt.\n" + _STAFF_FACTS + _WAS + _REASON,
        "Verlegt: " + _STAFF_AT + "{{#if was}} Bisher: {{ was }}.{{/if}}",
    ),
    "staff.expired": Text(
        "Nicht rechtzeitig beantwortet: {{ service }}, {{ starts }}, {{ customer_name }}",
        "Eine Anfrage wurde nicht rechtzeitig beantwortet. Der Termin ist wieder frei, und der Kunde weiß Bescheid.\n"
        + _STAFF_FACTS,
        "Nicht rechtzeitig beantwortet: " + _STAFF_AT,
    ),
}
