"""Questions whose answer is a file: an upload of the same account, finished, once."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.domain.actors import Actor
from app.domain.attachments import Upload
from app.domain.bookings import Booking
from app.domain.errors import Invalid, NotFound, SlotTaken
from app.persistence import attachments
from app.persistence.session import reading
from app.runtime.settings import load
from app.services import attachments as use_cases
from app.services import upload_pieces, uploads
from app.services.bookings import Access
from app.services.files import Incoming
from app.services.idempotency import make_key
from app.services.uploads import NewUpload, Uploader
from tests.services.counter import Counter, png
from tests.services.desk import GUEST, Desk, at, holder
from tests.web.people import make_user

QUESTION = {"key": "logo", "label": "Your logo", "type": "file", "required": True, "choices": []}


@pytest.fixture
def counter(database: Engine, tmp_path: Path) -> Counter:
    return Counter(Desk(database), load({"INSTANCE_DIR": str(tmp_path / "instance")}))


@pytest.fixture
def service(counter: Counter) -> int:
    return counter.desk.room_service(custom_fields=[QUESTION])


@pytest.fixture
def ada(counter: Counter) -> Actor:
    del counter
    return Actor("customer", user_id=make_user())


def upload(counter: Counter, by: Actor, *, use: str = "custom_field", share: int | None = None) -> Upload:
    who = Uploader(by, f"{by.kind}:{by.user_id}")
    begun = uploads.create(NewUpload(len(png()), "logo.png", use), who=who, desk=counter.place)
    return upload_pieces.append(begun, 0, Incoming("", [png()[:share]]), desk=counter.place)


def book(counter: Counter, service: int, by: Actor, answer: str, hour: int = 10) -> Booking:
    return counter.desk.book(service, at(f"{hour}:00"), by=by, answers={"logo": answer})


def test_the_answer_is_a_file_of_the_booking(counter: Counter, service: int, ada: Actor) -> None:
    booking = book(counter, service, ada, upload(counter, ada).name)
    assert booking.answers == {"logo": "logo.png"}
    (kept,) = attachments.list_attachments(reading(), booking.id)
    assert (kept.field_key, kept.name, kept.size_bytes) == ("logo", "logo.png", len(png()))
    assert (counter.desk.count("uploads"), len(counter.lying())) == (0, 1)


def test_a_manage_link_alone_opens_no_answer(counter: Counter, service: int, ada: Actor) -> None:
    booking = book(counter, service, ada, upload(counter, ada).name)
    own = Access(ada)
    (kept,) = use_cases.list_for(booking.ref, own)
    assert use_cases.get_file(booking.ref, kept.id, own) == kept
    assert use_cases.list_for(booking.ref, holder(booking)) == []
    with pytest.raises(NotFound):
        use_cases.get_file(booking.ref, kept.id, holder(booking))
    with pytest.raises(NotFound):
        counter.detach(kept, booking=booking)
    counter.detach(kept, own, booking)


def test_an_upload_answers_once(counter: Counter, service: int, ada: Actor) -> None:
    name = upload(counter, ada).name
    book(counter, service, ada, name)
    with pytest.raises(Invalid, match="no such upload"):
        book(counter, service, ada, name, 12)


def test_a_repeated_booking_has_its_file_once(counter: Counter, service: int, ada: Actor) -> None:
    name, key = upload(counter, ada).name, make_key("customer:booking", "k", b"the same")
    made = [
        counter.desk.book(service, at("10:00"), by=ada, key=key, answers={"logo": name}) for _ in range(2)
    ]  # fmt: skip
    assert (made[0], counter.desk.replayed) == (made[1], True)
    assert counter.desk.count("attachments") == 1


def test_a_refused_booking_leaves_the_upload(counter: Counter, service: int, ada: Actor) -> None:
    book(counter, service, ada, upload(counter, ada).name)
    second = upload(counter, ada)
    with pytest.raises(SlotTaken):
        book(counter, service, ada, second.name)
    book(counter, service, ada, second.name, 12)


@pytest.mark.parametrize("fault", ["another's", "a guest's", "unfinished", "for something else", "none", "over"])
def test_what_is_no_finished_upload_of_the_callers_is_no_answer(
    counter: Counter, service: int, ada: Actor, fault: str
) -> None:
    by, name = ada, "0" * 32
    if fault == "another's":
        name = upload(counter, Actor("customer", user_id=make_user())).name
    elif fault == "a guest's":
        by, name = GUEST, upload(counter, ada).name
    elif fault == "unfinished":
        name = upload(counter, ada, share=50).name
    elif fault == "for something else":
        name = upload(counter, ada, use="attachment").name
    elif fault == "over":
        name = upload(counter, ada).name
        counter.pass_hours(25)
        counter.desk.now = counter.now
    with pytest.raises(Invalid, match=r"upload") as refused:
        book(counter, service, by, name, 10 if fault != "over" else 11)
    assert [error.field for error in refused.value.errors] == ["answers.logo"]
    assert counter.desk.count("attachments") == 0


@pytest.mark.parametrize("answer", ["", "../../x", "0" * 31, "g" * 32])
def test_an_answer_that_names_no_upload_is_refused(counter: Counter, service: int, ada: Actor, answer: str) -> None:
    with pytest.raises(Invalid):
        book(counter, service, ada, answer)
