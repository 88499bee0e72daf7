"""Who may do what: each route, each kind of caller, what is their own and what is not.

The table below is the rule. A route without a line in it fails.
"""

from __future__ import annotations

import dataclasses

import pytest
from flask import Flask

from app.web.access import ADMIN, ANYONE
from app.web.lazy import LazyView
from app.web.routes import TABLE, Route
from tests.web.walking import CALLERS, House, make_house, visit, word_of

ROUTES = [(prefix, route) for _, prefix, rows in TABLE for route in rows]

# yes: done. Refused: in - sign in first; up - sign in again; no - not you; gone - there is no such thing.
# Let in, and refused by what is sent here: bad - a wrong code or password; odd - not as things stand.
ACCESS = """
                           anon link miss own  othr old  half enrl stff away adm  aold rkey wkey ukey ekey nkey
openapi_read               yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  in
catalogue_list_venues      yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  in
catalogue_get_venue        yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  in
catalogue_list_services    yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  in
catalogue_get_service      yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  in
catalogue_list_resources   yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  in
slots_list_slots           yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  in
slots_explain              yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  in
holds_make                 yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  no   yes  no   yes  in
holds_release              yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  no   yes  no   yes  in
bookings_book              yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  no   yes  no   yes  in
bookings_read              gone yes  gone yes  gone yes  gone gone yes  gone yes  yes  yes  no   no   gone in
bookings_cancel            gone yes  gone yes  gone yes  gone gone yes  gone yes  yes  no   yes  no   gone in
bookings_reschedule        gone yes  gone yes  gone yes  gone gone yes  gone yes  yes  no   yes  no   gone in
attachments_list_all       gone yes  gone yes  gone yes  gone gone yes  gone yes  yes  yes  no   no   gone in
attachments_attach         gone yes  gone yes  gone yes  gone gone yes  gone yes  yes  no   yes  no   gone in
attachments_read           gone yes  gone yes  gone yes  gone gone yes  gone yes  yes  yes  no   no   gone in
attachments_remove         gone yes  gone yes  gone yes  gone gone yes  gone yes  yes  no   yes  no   gone in
uploads_create             gone yes  gone yes  gone yes  gone gone yes  gone yes  yes  no   yes  no   gone in
uploads_read               gone gone gone yes  gone yes  gone gone gone gone gone gone no   gone no   gone in
uploads_append             gone gone gone yes  gone yes  gone gone gone gone gone gone no   gone no   gone in
uploads_terminate          gone gone gone yes  gone yes  gone gone gone gone gone gone no   gone no   gone in
photos_list_all            yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  in
photos_read                yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  in
photos_add                 in   in   in   no   no   no   in   in   yes  gone yes  yes  no   no   no   no   in
photos_remove              in   in   in   no   no   no   in   in   yes  gone yes  yes  no   no   no   no   in
file_links_read            yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  in
documents_read_confirmation gone yes gone yes gone yes gone gone yes  gone yes  yes  yes  no   no   gone in
documents_read_quote       gone yes  gone yes  gone yes  gone gone yes  gone yes  yes  yes  no   no   gone in
exports_export_csv         in   in   in   no   no   no   in   in   yes  gone/yes yes  yes  yes  no   no   gone in
exports_export_json_lines  in   in   in   no   no   no   in   in   yes  yes  yes  yes  yes  no   no   yes  in
reports_export_pdf         in   in   in   no   no   no   in   in   yes  gone/yes yes  yes  yes  no   no   gone in
reports_read_day_sheet     in   in   in   no   no   no   in   in   yes  gone yes  yes  yes  no   no   gone in
reports_read_occupancy     in   in   in   no   no   no   in   in   yes  gone/yes yes  yes  yes  no   no   gone in
figures_read_occupancy     in   in   in   no   no   no   in   in   yes  gone/yes yes  yes  yes  no   no   gone in
figures_export_occupancy   in   in   in   no   no   no   in   in   yes  gone/yes yes  yes  yes  no   no   gone in
figures_read_revenue       in   in   in   no   no   no   in   in   yes  gone/yes yes  yes  yes  no   no   gone in
figures_read_cancellations in   in   in   no   no   no   in   in   yes  gone/yes yes  yes  yes  no   no   gone in
figures_export_tallies     in   in   in   no   no   no   in   in   yes  gone/yes yes  yes  yes  no   no   gone in
figures_read_lead_times    in   in   in   no   no   no   in   in   yes  gone/yes yes  yes  yes  no   no   gone in
figures_export_lead_times  in   in   in   no   no   no   in   in   yes  gone/yes yes  yes  yes  no   no   gone in
catalogue_desk_list_venues in   in   in   no   no   no   in   in   yes  yes  yes  yes  yes  no   no   yes  in
catalogue_desk_create_venue in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
catalogue_desk_read_venue in   in   in   no   no   no   in   in   yes  gone/yes yes  yes  yes  no   no   gone in
catalogue_desk_change_venue in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
catalogue_desk_archive_venue in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
catalogue_desk_list_resources in   in   in   no   no   no   in   in   yes  yes  yes  yes  yes  no   no   yes  in
catalogue_desk_create_resource in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
catalogue_desk_read_resource in   in   in   no   no   no   in   in   yes  gone yes  yes  yes  no   no   gone in
catalogue_desk_change_resource in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
catalogue_desk_archive_resource in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
catalogue_desk_list_services in   in   in   no   no   no   in   in   yes  yes  yes  yes  yes  no   no   yes  in
catalogue_desk_create_service in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
catalogue_desk_read_service in   in   in   no   no   no   in   in   yes  gone yes  yes  yes  no   no   gone in
catalogue_desk_change_service in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
catalogue_desk_archive_service in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
blackouts_list_all         in   in   in   no   no   no   in   in   yes  gone/yes yes  yes  yes  no   no   gone in
blackouts_close            in   in   in   no   no   no   in   in   yes  gone yes  yes  no   no   no   no   in
busy_calendars_list_all    in   in   in   no   no   no   in   in   yes  yes  yes  yes  no   no   no   no   in
busy_calendars_add         in   in   in   no   no   no   in   in   yes  gone yes  yes  no   no   no   no   in
busy_calendars_remove      in   in   in   no   no   no   in   in   yes  gone yes  yes  no   no   no   no   in
imports_bookings           in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
imports_customers          in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
blackouts_open_again       in   in   in   no   no   no   in   in   yes  gone yes  yes  no   no   no   no   in
desk_list_all              in   in   in   no   no   no   in   in   yes  yes  yes  yes  yes  no   no   yes  in
desk_book                  in   in   in   no   no   no   in   in   yes  gone yes  yes  no   yes  no   gone in
desk_read_calendar         in   in   in   no   no   no   in   in   yes  gone/yes yes  yes  yes  no   no   gone in
desk_decide_many           in   in   in   no   no   no   in   in   yes  yes  yes  yes  no   yes  no   yes  in
desk_read                  in   in   in   no   no   no   in   in   yes  gone yes  yes  yes  no   no   gone in
desk_list_rivals           in   in   in   no   no   no   in   in   yes  gone yes  yes  yes  no   no   gone in
desk_list_history          in   in   in   no   no   no   in   in   yes  gone yes  yes  yes  no   no   gone in
desk_list_notes            in   in   in   no   no   no   in   in   yes  gone yes  yes  yes  no   no   gone in
desk_add_note              in   in   in   no   no   no   in   in   yes  gone yes  yes  no   yes  no   gone in
desk_approve               in   in   in   no   no   no   in   in   yes  gone yes  yes  no   yes  no   gone in
desk_decline               in   in   in   no   no   no   in   in   yes  gone yes  yes  no   yes  no   gone in
desk_check_in              in   in   in   no   no   no   in   in   yes  gone yes  yes  no   yes  no   gone in
desk_no_show               in   in   in   no   no   no   in   in   yes  gone yes  yes  no   yes  no   gone in
desk_complete              in   in   in   no   no   no   in   in   yes  gone yes  yes  no   yes  no   gone in
customers_list_all         in   in   in   no   no   no   in   in   yes  yes  yes  yes  yes  no   no   yes  in
customers_list_duplicates  in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
customers_read             in   in   in   no   no   no   in   in   yes  gone yes  yes  yes  no   no   gone in
customers_list_bookings    in   in   in   no   no   no   in   in   yes  gone yes  yes  yes  no   no   gone in
customers_change           in   in   in   no   no   no   in   in   yes  gone yes  yes  no   yes  no   gone in
customers_merge            in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
customers_erase            in   in   in   no   no   no   in   in   no   no   yes  up   no   no   no   no   in
archives_read_customer     in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
archives_read_own          in   in   in   yes  yes  yes  in   in   yes  yes  yes  yes  no   no   no   no   in
figures_export_revenue_pdf in   in   in   no   no   no   in   in   yes  gone/yes yes  yes  yes  no   no   gone in
figures_export_cancellations_pdf in   in   in   no   no   no   in   in   yes  gone/yes yes  yes  yes  no   no   gone in
figures_export_lead_times_pdf in   in   in   no   no   no   in   in   yes  gone/yes yes  yes  yes  no   no   gone in
calendars_read_booking     gone yes  gone yes  gone yes  gone gone yes  gone yes  yes  yes  no   no   gone in
calendars_read_feed        yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  in
calendars_read_own_feed    in   in   in   yes  yes  yes  in   in   yes  yes  yes  yes  no   no   no   no   in
calendars_make_own_feed    in   in   in   yes  yes  yes  in   in   yes  yes  yes  yes  no   no   no   no   in
calendars_drop_own_feed    in   in   in   yes  gone yes  in   in   gone gone gone gone no   no   no   no   in
calendars_make_resource_feed in in   in   no   no   no   in   in   yes  gone yes  yes  no   no   no   no   in
calendars_drop_resource_feed in in   in   no   no   no   in   in   yes  gone yes  yes  no   no   no   no   in
auth_register              yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  no   no   no   no   in
auth_ask_code              yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  no   no   no   no   in
auth_verify_code           bad  bad  bad  bad  bad  bad  bad  bad  bad  bad  bad  bad  no   no   no   no   in
auth_log_in                bad  bad  bad  bad  bad  bad  bad  bad  bad  bad  bad  bad  no   no   no   no   in
totp_enter                 in   in   in   in   in   in   bad  in   in   in   in   in   no   no   no   no   in
sessions_log_out           yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  no   no   no   no   in
sessions_log_out_everywhere in  in   in   yes  yes  yes  in   in   yes  yes  yes  yes  no   no   no   no   in
auth_forgot_password       yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  no   no   no   no   in
auth_reset_password        bad  bad  bad  bad  bad  bad  bad  bad  bad  bad  bad  bad  no   no   no   no   in
me_change_password         in   in   in   yes  yes  up   in   in   yes  yes  yes  up   no   no   no   no   in
sessions_read              yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  in
sessions_list_own          in   in   in   yes  yes  yes  in   in   yes  yes  yes  yes  no   no   no   no   in
sessions_end_others        in   in   in   yes  yes  yes  in   in   yes  yes  yes  yes  no   no   no   no   in
sessions_end               in   in   in   yes  gone yes  in   in   gone gone gone gone no   no   no   no   in
totp_enrol                 in   in   in   yes  yes  up   in   yes  yes  yes  yes  up   no   no   no   no   in
totp_confirm               in   in   in   odd  odd  up   in   odd  odd  odd  odd  up   no   no   no   no   in
totp_disable               in   in   in   odd  odd  up   in   in   no   no   no   up   no   no   no   no   in
totp_renew_recovery_codes  in   in   in   odd  odd  up   in   in   odd  odd  odd  up   no   no   no   no   in
me_read                    in   in   in   yes  yes  yes  in   in   yes  yes  yes  yes  no   no   no   no   in
me_change                  in   in   in   yes  yes  up   in   in   yes  yes  yes  up   no   no   no   no   in
me_erase                   in   in   in   yes  yes  up   in   in   no   no   no   up   no   no   no   no   in
me_list_bookings           in   in   in   yes  yes  yes  in   in   yes  yes  yes  yes  no   no   no   no   in
me_export                  in   in   in   yes  yes  yes  in   in   yes  yes  yes  yes  no   no   no   no   in
users_list_all             in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   yes  no   in
users_read                 in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   yes  no   in
users_create               in   in   in   no   no   no   in   in   no   no   yes  up   no   no   no   no   in
users_disable              in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
users_enable               in   in   in   no   no   no   in   in   no   no   yes  up   no   no   no   no   in
users_change_role          in   in   in   no   no   no   in   in   no   no   yes  up   no   no   no   no   in
users_end_sessions         in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
api_keys_list_all          in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
api_keys_create            in   in   in   no   no   no   in   in   no   no   yes  up   no   no   no   no   in
api_keys_revoke            in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
message_templates_list_all in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
message_templates_read     in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
message_templates_change   in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
message_templates_reset    in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
message_templates_preview  in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
webhooks_list_all          in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
webhooks_add               in   in   in   no   no   no   in   in   no   no   yes  up   no   no   no   no   in
webhooks_read              in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
webhooks_change            in   in   in   no   no   no   in   in   no   no   yes  up   no   no   no   no   in
webhooks_remove            in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
webhooks_rotate_secret     in   in   in   no   no   no   in   in   no   no   yes  up   no   no   no   no   in
webhooks_test              in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
webhooks_list_deliveries   in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
webhooks_replay            in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
audit_list_all             in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
audit_export_csv           in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
audit_export_json_lines    in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
system_read                in   in   in   no   no   no   in   in   no   no   yes  yes  no   no   no   no   in
outbox_list_all            in   in   in   no   no   no   in   in   yes  yes  yes  yes  no   no   no   no   in
outbox_read                in   in   in   no   no   no   in   in   yes  gone yes  yes  no   no   no   no   in
outbox_retry               in   in   in   no   no   no   in   in   yes  gone yes  yes  no   no   no   no   in
outbox_cancel              in   in   in   no   no   no   in   in   yes  gone yes  yes  no   no   no   no   in
operations_health          yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  in
operations_readiness       yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  in
cron_run                   yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  yes  no   no   no   no   in
"""
HEADINGS, *LINES = (line.split() for line in ACCESS.strip().splitlines())
EXPECTED = {endpoint: dict(zip(HEADINGS, words, strict=True)) for endpoint, *words in LINES}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url  # who may do what is decided before and beside the database


@pytest.fixture
def house(app: Flask) -> House:
    return make_house(app)


def outcomes(house: House, prefix: str, route: Route) -> dict[str, set[str]]:
    """Return what becomes of the callers under each heading: where they fare alike, one word."""
    return {
        heading: {word_of(route, visit(house, prefix, route, make)) for make in makers}
        for heading, makers in CALLERS.items()
    }


def without_a_line(routes: list[tuple[str, Route]]) -> set[str]:
    return {route.endpoint for _, route in routes} ^ set(EXPECTED)


def test_every_route_has_a_line_and_every_kind_of_caller_a_column() -> None:
    assert without_a_line(ROUTES) == set()
    assert set(CALLERS) == set(HEADINGS)


def test_a_new_route_without_a_line_is_told() -> None:
    new = Route(ADMIN, "GET", "/admin/wishes", "wishes.list_all")
    assert without_a_line([*ROUTES, ("/api/v1", new)]) == {"wishes_list_all"}


@pytest.mark.system
@pytest.mark.walk
@pytest.mark.parametrize(("prefix", "route"), ROUTES, ids=[route.endpoint for _, route in ROUTES])
def test_each_caller_gets_what_the_table_says_and_no_more(house: House, prefix: str, route: Route) -> None:
    expected = {heading: set(word.split("/")) for heading, word in EXPECTED[route.endpoint].items()}
    assert outcomes(house, prefix, route) == expected


def test_a_door_left_open_is_found_by_the_walk(house: House) -> None:
    prefix, route = next(row for row in ROUTES if row[1].endpoint == "users_list_all")
    view = house.app.view_functions["api.users_list_all"]
    assert isinstance(view, LazyView)
    view.route = dataclasses.replace(route, policy=ANYONE)
    found = outcomes(house, prefix, route)
    assert found["anon"] == found["othr"] == {"yes"} != {EXPECTED[route.endpoint]["anon"]}
