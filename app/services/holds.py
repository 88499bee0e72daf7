"""Keep a time for a few minutes, give it back, sweep what was left."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from app.domain.actors import Actor
from app.domain.errors import NotFound
from app.domain.tokens import derive_token, hash_token
from app.domain.wishes import Wish
from app.persistence import holds
from app.persistence.audit import add_audit
from app.persistence.calendar import delete_hold_occupancies, lock_resources
from app.persistence.idempotency import IdempotencyKey, add_answer
from app.persistence.offers import list_resource_ids
from app.persistence.session import reading, transaction, use_case
from app.services.calendar import Place, find_place, lock_offer, occupy, offering_alternatives
from app.services.idempotency import once

SWEEP_SIZE = 500  # rows a transaction, so that a sweep keeps nobody waiting


@dataclass(frozen=True, slots=True)
class Held:
    """A hold as its owner sees it, but for the token, which is derived from ``name``."""

    name: str
    service_id: int
    resources: tuple[tuple[int, str], ...]
    starts_at: datetime
    ends_at: datetime
    timezone: str
    party_size: int
    expires_at: datetime

    def token(self, secret_key: str) -> str:
        """Return the secret that makes this hold good."""
        return derive_token(secret_key, "hold", self.name)


_HELD = msgspec.json.Decoder(Held)


def hold(
    wish: Wish, *, hold_minutes: int, secret_key: str, by: Actor, now: datetime, key: IdempotencyKey | None = None
) -> tuple[Held, bool]:
    """Keep a time for *hold_minutes*; return the hold and whether it is the answer to an earlier try.

    Raises:
        NotFound, Invalid, TooSoon, TooFar, OutsideHours: there is no such time.
        SlotTaken: somebody has it; carries ``alternatives``.
        IdempotencyMismatch: the key came before with another wish.
    """
    until = now.replace(microsecond=0) + timedelta(minutes=hold_minutes)
    with offering_alternatives(wish, now=now):
        return once(
            key,
            lambda: _hold(wish, until, secret_key, by=by, now=now, key=key),
            _HELD.decode,
            now=now,
        )


@use_case
def _hold(
    wish: Wish, until: datetime, secret_key: str, *, by: Actor, now: datetime, key: IdempotencyKey | None
) -> Held:
    ids = list_resource_ids(reading(), wish.service_id)
    with transaction() as session:
        place = find_place(session, lock_offer(session, wish.service_id, ids), wish, now=now)
        held = _held(place, until)
        expires = int(until.timestamp())
        hold_id = holds.add_hold(
            session,
            {
                "token_hash": hash_token(held.token(secret_key)),
                "service_id": wish.service_id,
                "starts": place.starts,
                "ends": place.ends,
                "party_size": held.party_size,
                "expires": expires,
            },
        )
        occupy(session, place, hold_id=hold_id, expires=expires)
        add_audit(session, "hold.made", f"hold:{hold_id}", by=by, now=now, starts_at=held.starts_at)
        if key is not None:
            add_answer(session, key, msgspec.json.encode(held).decode(), now=now)
    return held


@use_case
def release(token: str, *, by: Actor, now: datetime) -> None:
    """Give a hold's time back.

    Raises:
        NotFound: there is no hold of that token, or it is over.
    """
    token_hash = hash_token(token)
    known = holds.find_hold(reading(), token_hash)
    if known is None or known.expires <= now.timestamp():
        raise NotFound("There is no such hold.")
    with transaction() as session:
        lock_resources(session, known.resource_ids)
        delete_hold_occupancies(session, known.id)
        if not holds.delete_hold(session, known.id):
            raise NotFound("There is no such hold.")
        add_audit(session, "hold.released", f"hold:{known.id}", by=by, now=now)


@use_case
def sweep_batch(*, now: datetime) -> int:
    """Delete up to 500 holds that are over and return how many; their time has been free since they expired."""
    with transaction() as session:
        return holds.delete_expired(session, now_seconds=int(now.timestamp()), limit=SWEEP_SIZE)


def _held(place: Place, until: datetime) -> Held:
    return Held(
        name=secrets.token_urlsafe(16),
        service_id=place.offer.service_id,
        resources=place.resources,
        starts_at=place.starts_at,
        ends_at=place.ends_at,
        timezone=str(place.offer.zone),
        party_size=place.ask.party_size,
        expires_at=until,
    )
