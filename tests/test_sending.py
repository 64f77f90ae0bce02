"""One message on its way: what receivers do to it, and what may be in it."""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import pytest
from post_office import run_mail_server

from aggregator.alert_rows import Address, Delivery, Message, State
from aggregator.alerts.letters import Format, Letter
from crawler.address_guard import AddressGuard
from schedules.alerts import deadline, services
from schedules.alerts.attempts import Parcel
from schedules.alerts.courier import Means, carry
from schedules.alerts.targets import Target, list_recipients, make_service, make_target, narrow
from schedules.alerts.webhook import post

NOW = datetime(2026, 10, 5, 8, 0, tzinfo=UTC)
PASSWORD = "s3mb4rang-rahasia"
GUARD = AddressGuard([ipaddress.ip_network("127.0.0.0/8")])
MEANS = Means(guard=GUARD, sender="Kabar Kota", clock=lambda: NOW)


def make_parcels(url: str, subject: str = "Kabar", *, secret: str = "") -> list[Parcel]:
    """One for each recipient of an address."""
    facts = {"secret": secret, "is_webhook": bool(secret), "chosen": None, "attach_docx": None}
    target: Target = make_target("humas", url, **facts)  # type: ignore[arg-type]
    letter = Letter(kind="news", subject=subject, bodies=("isi",), plain="isi", format=Format.TEXT, data={})
    return [
        Parcel(delivery=make_delivery(number, address), target=target, letter=letter)
        for number, address in enumerate(target.addresses)
    ]


def make_delivery(number: int, address: Address) -> Delivery:
    message = Message(kind="news", name="apeksi", key="", content={})
    return Delivery(id=number, uid="u", message=message, address=address, created_at=NOW, attempts=1, done=0)


@contextmanager
def serve_lines(answer: Callable[[bytes], bytes], greeting: bytes = b"220 x\r\n") -> Iterator[int]:
    """A server that answers each line of one connection; an empty greeting: it begins to talk, and never ends."""

    def work() -> None:
        with suppress(OSError):
            connection, _ = server.accept()
            with connection:
                if not greeting:
                    while True:
                        connection.sendall(answer(b""))
                connection.sendall(greeting)
                for line in connection.makefile("rb"):
                    connection.sendall(answer(line))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        yield int(server.getsockname()[1])
    thread.join()


@pytest.mark.parametrize(
    "subject", ["APEKSI =?utf-8?q?Halo=0D=0ABcc:_x@y.example=0D=0A=0D=0AX?= kabar", "a\r\nBcc: x@y.example\r\n\r\nb"]
)
def test_headline_is_only_a_subject(subject: str) -> None:
    with run_mail_server() as box:
        (parcel,) = make_parcels(box.url("humas@kota.example"), subject)
        assert carry(parcel, MEANS).state is State.SENT
        (mail,) = [mail for _, mail in box.mails]
    assert mail["Bcc"] is None
    assert mail.get_content().strip() == "isi"
    assert "Bcc:" in mail["Subject"].replace("Bcc:_", "Bcc:")


def test_copies_go_to_each_once() -> None:
    with run_mail_server() as box:
        url = box.url("a@k.example", "b@k.example") + "&cc=bos@k.example&bcc=arsip@k.example,A@k.example"
        for parcel in make_parcels(url):
            assert carry(parcel, MEANS).state is State.SENT
        assert sorted(box.recipients) == ["a@k.example", "arsip@k.example", "b@k.example", "bos@k.example"]
        assert {(*mail.get_all("To", []), mail["Cc"]) for _, mail in box.mails} == {
            (recipient, None) for recipient in box.recipients
        }


def test_server_that_repeats_the_password_is_not_quoted() -> None:
    def answer(line: bytes) -> bytes:
        if line.startswith(b"ehlo"):
            return b"250-x\r\n250 AUTH PLAIN\r\n"
        return b'535 no: "' + line.strip() + b'"\r\n'

    with serve_lines(answer) as port:
        url = f"mailto://redaksi:{PASSWORD}@k.example:{port}/a@k.example?smtp=127.0.0.1&mode=insecure"
        attempt = carry(make_parcels(url)[0], MEANS)
    assert (attempt.state, attempt.reason) == (State.FAILED, "login: 535")


def test_missing_starttls_may_come_back() -> None:
    with run_mail_server() as box:
        url = f"mailtos://k.example:{box.port}/a@k.example?smtp=127.0.0.1&from=r@k.example"
        attempt = carry(make_parcels(url)[0], MEANS)
    assert (attempt.state, "STARTTLS" in attempt.reason) == (State.WAITING, True)


@pytest.mark.parametrize("said", [b"220-x\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_who_never_ends_talking_is_cut_off(monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr(deadline, "DEADLINE_SECONDS", 0.2)
    with serve_lines(lambda _: said, greeting=b"") as port:
        if said.startswith(b"HTTP"):
            attempt = post(f"http://127.0.0.1:{port}/", b"{}", {}, GUARD, NOW)
        else:
            url = f"mailto://k.example:{port}/a@k.example?smtp=127.0.0.1&mode=insecure&from=r@k.example"
            attempt = carry(make_parcels(url)[0], MEANS)
    assert (attempt.state, attempt.is_dead) == (State.WAITING, True)


@pytest.mark.parametrize(
    ("url", "count", "key"),
    [
        ("ntfy://127.0.0.1/satu/dua/dua", 2, "topics"),
        ("tgram://123456789:abcdefghijklmnopqrstuvwxyzABCDEFGHI/-100123456/-100123457", 2, "targets"),
        ("json://127.0.0.1/satu/dua", 0, ""),
    ],
)
def test_each_of_several_chats_is_told_on_its_own(url: str, count: int, key: str) -> None:
    service = make_service(url)
    assert len(list_recipients(service)) == count
    parts = make_target("x", url, secret="", is_webhook=False, chosen=None, attach_docx=None).parts
    assert len(parts) == max(1, count)
    if count:
        assert [len(getattr(narrow(service, part), key)) for part in parts] == [1, 1]
    else:
        assert narrow(service, parts[0]) is service


def test_what_was_sent_in_part_is_not_sent_again() -> None:
    heard = [(logging.INFO, "Sent X notification to 'a'."), (logging.WARNING, "Failed to send: error=500.")]
    assert services.judge(heard).state is State.UNKNOWN


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("jsons://hooks.example.org/SECRETTOKEN123", "JSON: jsons://hooks.example.org"),
        ("ntfys://topicsecretname", "ntfy: ntfys://…"),
        ("tgram://123456789:abcdefghijklmnopqrstuvwxyzABCDEFGHI/-100123456", "Telegram: tgram://…"),
        ("signal://h.example/+6281234567890/+6281234567891", "Signal API: signal://h.example"),
        ("mailto://u:passw@x.example?to=a@x.example", "a@x.example via x.example"),
    ],
)
def test_target_is_shown_without_what_may_be_secret(url: str, shown: str) -> None:
    assert make_target("x", url, secret="", is_webhook=False, chosen=None, attach_docx=None).shown == shown
