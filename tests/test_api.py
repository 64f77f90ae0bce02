"""The API over a real socket: every answer is held against its schema; pages, filters, refusals, caches, privacy."""

from __future__ import annotations

import gzip
import json
import logging
import re
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from api_room import ROOT, ApiClient, make_app, make_room
from fresh_database import open_fresh
from newsdesk import NOW, OTHER, RELEASE
from page_room import Stage
from test_feeds import publish_old, report
from test_web import check_security_headers

from aggregator.chronicle import Chronicle
from aggregator.migrations import MIGRATIONS
from aggregator.models import SourceKind
from aggregator.settings import PrivatePages
from aggregator.store import Store
from aggregator.takedown_log import Action, Order, append_orders
from aggregator.takedowns import find_log
from aggregator.web.api.cursors import CursorError, read_cursor, write_cursor
from aggregator.web.protection import Protection

HOSTILE = "APEKSI </title><script>alert(1)</script> & \u202ekota"
PASSWORD = "rahasia sekali ini"


class World:
    """News of all kinds, and what became of it."""

    def __init__(self, folder: Path) -> None:
        self.room = room = make_room(folder)
        gov = SourceKind.CITY_GOVERNMENT
        room.publish_at("pemkot", "rilis", RELEASE, hour=3, kind=gov)
        room.publish_at("kabar-satu", "rilis", RELEASE, hour=4)
        room.publish_at("kabar-dua", "rilis", [*RELEASE, "Tambahan dari redaksi kami sendiri."], hour=5)
        report(room, 50, source="pemkot")
        room.publish_at("kabar-satu", "naskah", OTHER, title=HOSTILE)
        for number in range(12):
            report(room, number)
        publish_old(room, 100)
        room.publish_at("terbuka", "lengkap", [f"APEKSI: {each}" for each in OTHER[1:]], hour=1)
        room.publish_at("awal", "bagian-satu", RELEASE[:3], hour=6)
        room.publish_at("akhir", "bagian-dua", [each.replace("kota", "balai") for each in OTHER], hour=5)
        room.press()
        changed = ["Pengurus APEKSI bertemu di Gorontalo untuk urusan lain.", *OTHER[1:3]]
        room.publish_at("kabar-satu", "berita-3", changed, title="APEKSI urusan 3")
        room.lose("kabar-satu", "berita-4")
        ((url,),) = room.ask("SELECT url FROM articles WHERE title = 'APEKSI urusan 5'")
        self.taken = self.find("APEKSI urusan 5")
        append_orders(
            find_log(room.store), [Order(asked_at=room.now, action=Action.TAKEDOWN, url=url, reason="putusan")]
        )
        with room.store.transaction():
            Chronicle(room.store, room.now).look()
        room.press()
        room.store._connection.execute("UPDATE sources SET full_text = 1 WHERE id = 'terbuka'")
        room.store._connection.execute("UPDATE sources SET city = 'kota-gorontalo', province = 'Gorontalo'")
        room.store._connection.commit()
        with room.store.transaction():
            self.kept, self.merged = self.find("APEKSI urusan 7"), self.find("APEKSI urusan 8")
            room.store.merge_group(self.merged[0], self.kept[0], room.now)
        room.press()
        room.store.finish_cycle(room.store.start_cycle(room.now), room.now, {})

    def find(self, title: str) -> tuple[int, str]:
        """(number, guid) of a piece of news."""
        (found,) = self.room.ask(
            "SELECT g.id, g.guid FROM duplicate_groups AS g JOIN articles AS a ON a.id = g.canonical_id"
            f" WHERE a.title = '{title}' AND g.merged_into IS NULL AND g.withdrawn_at IS NULL"
        )
        return found[0], found[1]

    def find_article(self, url_end: str) -> int:
        ((number,),) = self.room.ask(f"SELECT id FROM articles WHERE url LIKE '%{url_end}'")
        return int(number)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("api"))
    yield world
    world.room.store.close()


@pytest.fixture(scope="module")
def server(world: World, stage: Stage) -> Iterator[httpx.Client]:
    app = make_app(world.room.store.path, clock=lambda: NOW + timedelta(hours=2))
    stage.app = app
    with httpx.Client(base_url=stage.address, trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def api(server: httpx.Client) -> ApiClient:
    return ApiClient(server)


@pytest.fixture(autouse=True)
def _on_stage(request: pytest.FixtureRequest, stage: Stage) -> Iterator[None]:
    """Whoever played on the stage, the module's own server comes back."""
    app = getattr(stage, "app", None)
    yield
    stage.app = app


# ── what is told ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_everything_answers_as_it_is_described(api: ApiClient, world: World) -> None:
    paths = {
        "/articles/{id}": [f"/articles/{number}" for (number,) in world.room.ask("SELECT id FROM articles")],
        "/news/{id}": [f"/news/{item['id']}" for item in api.walk("/news?archive=yes")],
        "/stories/{id}": [f"/stories/{item['id']}" for item in api.walk("/stories")],
        "/sources/{id}": [f"/sources/{item['id']}" for item in api.walk("/sources")],
    }
    for template in api.document["paths"]:
        path = template.removeprefix(ROOT)
        for each in paths.get(path, [path]):
            api.get(each)
    assert min(map(len, paths.values())) > 5


def test_the_index_leads_everywhere(api: ApiClient) -> None:
    index = api.get("")
    assert api.client.get(f"{ROOT}/").json() == index
    for path in [*index["links"].values(), index["openapi"]]:
        assert api.client.get(path).status_code == 200, path
    assert api.client.get(index["documentation"]).status_code == 200
    assert index["counts"]["articles"] > index["counts"]["news"] > 10


def test_news_is_as_in_the_feeds(api: ApiClient, server: httpx.Client) -> None:
    for query in ("", "topic=apeksi", "city=kota-gorontalo&kind=city-government", "q=urusan", "q=urusan&since=1d"):
        feed = server.get(f"/feeds/search.json?{query}").json()
        found = list(api.walk(f"/news?{query}"))
        assert [item["guid"] for item in found] == [item["id"] for item in feed["items"]], query
        assert [item["article"]["excerpt"] for item in found] == [item.get("summary", "") for item in feed["items"]]
        assert [item["article"]["title"] for item in found] == [item["title"] for item in feed["items"]]
        assert len(found) >= 1


def test_a_piece_of_news_tells_who_carries_it(api: ApiClient, world: World) -> None:
    release = world.find_article("pemkot.example/rilis")
    news = api.get(f"/news/{api.get(f'/articles/{release}')['news_id']}")
    assert news["article"]["id"] == release
    assert [each["source"]["id"] for each in news["carried_by"]][:3] == ["pemkot", "kabar-satu", "kabar-dua"]
    assert news["articles"] == len(news["carried_by"])
    first, second, third = news["carried_by"][:3]
    assert first["origin"] is None
    assert (second["origin"]["article_id"], second["origin"]["kept"]) == (release, 1.0)
    assert 0 < third["origin"]["added"] < 0.2
    assert api.get(f"/news/{quote(news['guid'], safe='')}") == news == api.get(f"/news/{news['guid']}")


def test_each_revision_tells_the_title_that_came_then(tmp_path: Path, stage: Stage) -> None:
    room = make_room(tmp_path)
    for number, title in enumerate(("APEKSI A", "APEKSI B", "APEKSI B", "APEKSI C")):
        room.publish_at("portal", "kabar", [*RELEASE, f"Alinea ke-{number}."], title=title, hour=3)
        room.press()
    stage.app = make_app(room.store.path)
    with ApiClient.over(stage.address) as api:
        (listed,) = api.get("/articles")["items"]
        revisions = api.get(f"/articles/{listed['id']}")["revisions"]
    titles = {(each["title_before"], each["title_after"]) for each in revisions}
    assert titles == {("APEKSI A", "APEKSI B"), ("APEKSI B", "APEKSI B"), ("APEKSI B", "APEKSI C")}
    asked = room.ask("SELECT title_before, title_after FROM revisions ORDER BY revision_id")
    assert asked == [("APEKSI A", "APEKSI B"), ("APEKSI B", "APEKSI B"), ("APEKSI B", "APEKSI C")]
    room.store.close()


def test_an_article_tells_how_it_is_known(api: ApiClient, world: World) -> None:
    article = api.get(f"/articles/{world.find_article('kabar-satu.example/berita-3')}")
    (revision,) = article["revisions"]
    assert revision["paragraphs_removed"] > 5
    assert "urusan" in json.dumps(revision["edits"])
    assert sum(len(value) for edit in revision["edits"] for value in edit.values()) <= 2_000
    assert article["revised_at"] == revision["found_at"]
    assert article["topic_evidence"][0]["evidence"][0]["term"].casefold() == "apeksi"
    assert {each["field"] for each in article["provenance"]} == {"title", "author", "published", "body", "page"}
    copy = api.get(f"/articles/{world.find_article('kabar-dua.example/rilis')}")
    assert copy["origin"]["source_id"] == "pemkot"
    assert {each["role"] for each in copy["regions"]} >= {"event"}
    gone = api.get(f"/articles/{world.find_article('kabar-satu.example/berita-4')}")
    assert gone["gone_at"] is not None


def test_a_full_text_is_given_only_where_its_source_allows_it(api: ApiClient, world: World) -> None:
    for end, allowed in (("terbuka.example/lengkap", True), ("pemkot.example/rilis", False)):
        article = api.get(f"/articles/{world.find_article(end)}")
        news = api.get(f"/news/{article['news_id']}")
        assert (article["full_text"] is not None, news["full_text"] is not None) == (allowed, allowed)
    assert RELEASE[-1] not in json.dumps([*api.walk("/articles"), *api.walk("/news")], ensure_ascii=False)


def test_hostile_texts_are_made_fit(api: ApiClient, world: World) -> None:
    article = api.get(f"/articles/{world.find_article('kabar-satu.example/naskah')}")
    assert "\u202e" not in article["title"]
    assert "</" not in article["title"]
    found = next(item for item in api.walk("/news?q=bendahara&highlight=yes"))
    assert "<mark>bendahara</mark>" in found["highlight"]["text"]
    assert "<script" not in found["highlight"]["title"]
    plain = next(item for item in api.walk("/news?q=bendahara"))
    assert plain["highlight"] is None


def test_coverage_has_its_denominators(api: ApiClient) -> None:
    days = api.get("/coverage?since=2026-10-01&until=2026-10-06")["items"]
    assert [day["first_day"] for day in days] == [f"2026-10-0{day}" for day in range(1, 7)]
    whole = api.get("/coverage?since=2026-09-28&until=2026-10-07&step=month")["items"]
    assert [(each["first_day"], each["last_day"]) for each in whole] == [
        ("2026-09-28", "2026-09-30"),
        ("2026-10-01", "2026-10-07"),
    ]
    assert sum(day["articles"] for day in days) == whole[1]["articles"] > whole[1]["news"] > 10
    assert days[4]["source_days_working"] == days[4]["source_days_polled"] > 1
    assert days[0]["days_known"] == 0
    found = api.get("/coverage?since=2026-10-01&until=2026-10-06&by=found")["items"]
    assert sum(day["articles"] for day in found) == whole[1]["articles"] + 1  # one is of September
    one = api.get("/coverage?since=2026-10-01&until=2026-10-06&source=pemkot&topic=apeksi")
    assert (one["source"], one["topic"], sum(day["articles"] for day in one["items"])) == ("pemkot", "apeksi", 2)
    assert one["items"][4]["source_days_working"] == 1
    place = api.get("/coverage?city=kota-gorontalo&step=week")
    assert place["place"] == "city/kota-gorontalo"


def test_pickups_tell_also_of_what_nobody_picked_up(api: ApiClient) -> None:
    found = {item["release"]["url"]: item for item in api.walk("/pickups")}
    picked, alone = found["https://pemkot.example/rilis"], found["https://pemkot.example/berita-50"]
    assert [(each["source"]["id"], each["minutes_later"]) for each in picked["outlets"]][:2] == [
        ("kabar-satu", 60),
        ("kabar-dua", 120),
    ]
    assert (alone["outlets"], alone["articles"]) == ([], 1)
    assert len(api.get("/pickups?city=kota-gorontalo")["items"]) == len(found)
    assert api.get("/pickups?city=kota-ambon") == {"items": [], "next": None}


def test_stories_hold_their_news(api: ApiClient) -> None:
    stories = list(api.walk("/stories?limit=3"))
    assert [story["last_seen_at"] for story in stories] == sorted(
        (story["last_seen_at"] for story in stories), reverse=True
    )
    assert len({story["id"] for story in stories}) == len(stories) > 3
    story = api.get(f"/stories/{max(stories, key=lambda story: story['articles'])['id']}")
    assert story["articles"] == sum(report["articles"] for report in story["reports"])
    assert api.get("/stories?since=2026-10-06")["items"] == []


# ── pages ──────────────────────────────────────────────────────────────────────────────────────────────────────────

FILTERS = (
    "",
    "topic=apeksi",
    "topic=apeksi&topic=smart-city",
    "city=kota-gorontalo",
    "province=gorontalo&komwil=6&komwil=1",
    "topic=apeksi&city=kota-gorontalo&kind=regional",
    "source=kabar-satu",
    "source=kabar-satu&source=pemkot&topic=apeksi",
    "kind=city-government",
    "since=2026-10-05",
    "since=2026-10-05&topic=apeksi",
    "source=kabar-satu&since=2026-10-05",
)


@pytest.mark.parametrize("query", FILTERS)
def test_pages_of_articles_are_the_whole_in_their_order(api: ApiClient, query: str) -> None:
    whole = [item["id"] for item in api.get(f"/articles?limit=200&{query}")["items"]]
    assert whole == sorted(whole, reverse=True)
    assert [item["id"] for item in api.walk(f"/articles?limit=2&{query}")] == whole
    asked = parse_qs(query)
    items = api.get(f"/articles?limit=200&{query}")["items"]
    slugs = [{place["slug"] for place in item["places"]} for item in items]
    assert all(set(item["topics"]) & set(asked.get("topic", item["topics"])) for item in items)
    assert all("kota-gorontalo" in each for each in slugs if "city" in asked)
    assert all(item["source"]["id"] in asked.get("source", [item["source"]["id"]]) for item in items)
    assert all(item["source"]["kind"] in asked.get("kind", [item["source"]["kind"]]) for item in items)
    assert all(item["published_at"] >= "2026-10-04T17" for item in items if "since" in asked)
    others = {item["id"] for item in api.get("/articles?limit=200")["items"]} - set(whole)
    assert whole
    assert bool(others) == (query not in ("", "topic=apeksi", "topic=apeksi&topic=smart-city"))


@pytest.mark.parametrize("query", ["", "archive=yes", "q=urusan", "topic=apeksi&city=kota-gorontalo", "group=story"])
def test_pages_of_news_are_the_whole_in_their_order(api: ApiClient, query: str) -> None:
    whole = [item["id"] for item in api.get(f"/news?limit=200&{query}")["items"]]
    assert [item["id"] for item in api.walk(f"/news?limit=2&{query}")] == whole
    assert len(set(whole)) == len(whole) > 2


def test_a_sparse_search_comes_back_short_and_goes_on(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    articles, news = "/articles?source=kabar-satu&topic=apeksi&limit=200", "/news?kind=city-government&topic=apeksi"
    picky = "/articles?topic=apeksi&kind=regional&since=2026-10-05"
    whole = [[*api.walk(path)] for path in (articles, news, picky)]
    monkeypatch.setattr("aggregator.article_walk_rows.LOOKED_MOST", 3)
    monkeypatch.setattr("aggregator.article_walk_rows._STRETCH", 2)
    monkeypatch.setattr("aggregator.news_walk_rows.LOOKED_MOST", 0)
    first = api.get(f"{news}&limit=10")
    assert len(first["items"]) < len(whole[1])
    assert first["next"] is not None
    assert [[*api.walk(path.replace("limit=200", "limit=1"))] for path in (articles, news, picky)] == whole


def test_cursors_hold_while_news_comes_in(tmp_path: Path, stage: Stage) -> None:
    room = make_room(tmp_path)
    for number in range(9):
        report(room, number)
    room.press()
    stage.app = make_app(room.store.path)
    with ApiClient.over(stage.address) as api:
        for path in ("/news", "/articles", "/articles?source=kabar-satu"):
            before = [item["id"] for item in api.walk(f"{path}{'&' if '?' in path else '?'}limit=200")]
            page = api.get(f"{path}{'&' if '?' in path else '?'}limit=4")
            room.minutes += 1
            report(room, 100 + len(before))
            room.press()
            rest = [item["id"] for item in api.walk(page["next"].removeprefix(ROOT))]
            assert [item["id"] for item in page["items"]] + rest == before
    room.store.close()


@pytest.mark.parametrize(
    "forge",
    [
        lambda cursor: cursor[:-3],
        lambda cursor: "A" + cursor[1:],
        lambda cursor: "%00",
        lambda cursor: "",
        lambda cursor: "é",
        lambda cursor: cursor * 40,
        lambda cursor: write_cursor("/api/v1/news?", (1, 2)),  # of another list
        lambda cursor: write_cursor("/api/v1/articles?", (1, 2)),  # of another shape
        lambda cursor: write_cursor("/api/v1/articles?", ("", 2**70)),
        lambda cursor: write_cursor("/api/v1/articles?", ("2026-10-05T00:00:00Z", 4)),  # of another way of walking
    ],
)
def test_a_cursor_that_is_none_is_refused_in_words(api: ApiClient, forge: Any) -> None:
    cursor = parse_qs(urlsplit(api.get("/articles?limit=1")["next"]).query)["cursor"][0]
    api.get(f"/articles?cursor={cursor}")
    problem = api.get(f"/articles?cursor={forge(cursor)}", 400)
    assert problem["parameter"] == "cursor"
    assert api.get(f"/articles?topic=apeksi&cursor={cursor}", 400)["type"].endswith("#bad-cursor")
    assert api.get(f"/articles?limit=7&lang=en&utm_source=x&cursor={cursor}")["items"]  # it is the same list


def test_half_a_character_is_no_part_of_a_cursor(api: ApiClient) -> None:
    assert api.get("/stories?cursor=uV5z8zoiWyJcdWQ4MDAiLDVd", 400)["parameter"] == "cursor"
    with pytest.raises(CursorError):
        read_cursor("q", write_cursor("q", ("\ud800", 5)), (str, int))


def test_cursors_are_read_as_they_were_written() -> None:
    assert read_cursor("q", write_cursor("q", ("a", 1, -1)), (str, int, int)) == ("a", 1, -1)
    for kinds in ((int, int, int), (str, int), (str, int, int, int)):
        with pytest.raises(CursorError):
            read_cursor("q", write_cursor("q", ("a", 1, -1)), kinds)
    with pytest.raises(CursorError):
        read_cursor("q", write_cursor("q", ("a", True, -1)), (str, int, int))


# ── HTTP ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_unchanged_answer_is_304(server: httpx.Client) -> None:
    first = server.get(f"{ROOT}/news?limit=2")
    again = server.get(f"{ROOT}/news?limit=2", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert {again.headers[name] for name in ("etag", "vary")} == {first.headers["etag"], "Accept-Encoding"}
    assert first.headers["cache-control"] == "public, max-age=60"
    assert again.headers["access-control-allow-origin"] == "*"


def test_next_is_a_link_too(server: httpx.Client) -> None:
    answer = server.get(f"{ROOT}/news?limit=2")
    assert answer.links["next"]["url"] == answer.json()["next"]
    assert server.get(answer.json()["next"]).status_code == 200


def test_addresses_are_absolute_where_ours_is_known(world: World, stage: Stage) -> None:
    stage.app = make_app(world.room.store.path, site_url="https://kabarkota.example/sub/")
    answer = httpx.get(
        f"{stage.address}{ROOT}/news?limit=1", trust_env=False, timeout=60, headers={"Host": "evil.example"}
    )
    assert answer.json()["next"].startswith("https://kabarkota.example/sub/api/v1/news?limit=1&cursor=")
    assert "evil" not in answer.text
    document = httpx.get(f"{stage.address}{ROOT}/openapi.json", trust_env=False, timeout=60).json()
    assert document["servers"] == [{"url": "https://kabarkota.example/sub"}]


def test_answers_are_compressed(server: httpx.Client) -> None:
    with server.stream("GET", f"{ROOT}/news", headers={"Accept-Encoding": "gzip"}) as answer:
        raw = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == "gzip"
        assert json.loads(gzip.decompress(raw))["items"]


def test_head_is_as_get_without_the_body(server: httpx.Client) -> None:
    headers = {"Accept-Encoding": "identity"}
    get, head = (server.request(method, f"{ROOT}/topics", headers=headers) for method in ("GET", "HEAD"))
    assert head.content == b""
    assert head.headers["content-length"] == str(len(get.content))
    assert {**head.headers, "date": ""} == {**get.headers, "date": ""}
    assert server.head(f"{ROOT}/nothing").status_code == 404


def test_other_sites_may_ask(server: httpx.Client) -> None:
    asked = {"Origin": "https://analis.example", "Access-Control-Request-Method": "GET"}
    for path in ("", "/news", "/nothing"):
        answer = server.options(ROOT + path, headers=asked)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
        assert "access-control-allow-credentials" not in answer.headers
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = server.request(method, f"{ROOT}/news")
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
        assert answer.json()["type"].endswith("#not-allowed")


def test_answers_carry_the_security_headers(server: httpx.Client) -> None:
    for path in ("/news", "/nothing", "/news?nothing=1"):
        check_security_headers(server.get(ROOT + path))


# ── refusals ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "parameter", "says"),
    [
        ("/news?topik=apeksi", "topik", "q, topic, city"),
        ("/news?limit=0", "limit", "At least 1."),
        ("/news?limit=201", "limit", "At most 200."),
        ("/news?limit=lima", "limit", "Give a whole number."),
        ("/news?group=topic", "group", "Only 'story'."),
        ("/news?since=kemarin", "since", "7d"),
        ("/news?q=ap*", "q", "3"),
        ("/news?q=-apeksi", "q", "not"),
        ("/news?q=" + "a" * 301, "q", "At most 300 characters."),
        ("/news?topic=apexi", "topic", "There is no topic “apexi”."),
        ("/news?" + "&".join(f"topic=t{number}" for number in range(60)), None, "50"),
        ("/news?limit=5&limit=6", "limit", "once"),
        ("/stories?since=7d&since=8d", "since", "once"),
        ("/articles?city=gorontalo", "city", "There is no city “gorontalo”."),
        ("/articles?kind=koran", "kind", "'regional'"),
        ("/articles?q=apeksi", "q", "no such parameter"),
        ("/stories?since=kemarin", "since", "7d"),
        ("/sources?city=gorontlo", "city", "“gorontlo”"),
        ("/sources?province=jawa", "province", "“jawa”"),
        ("/coverage?step=year", "step", "'day'"),
        ("/coverage?since=1", "since", "Give a day"),
        ("/coverage?since=2026-11-02&until=2026-11-01", "since", "is after"),
        ("/coverage?since=1995-01-01", "since", "1000"),
        ("/coverage?city=kota-gorontalo&province=bali", "province", "Only one"),
        ("/coverage?source=pemkot&by=found", "by", "by=published"),
        ("/coverage?topic=tidak-ada", "topic", "“tidak-ada”"),
        ("/coverage?komwil=7", "komwil", "“7”"),
        ("/pickups?city=x", "city", "“x”"),
        ("/topics?lang=jw", "lang", "'id'"),
    ],
)
def test_a_parameter_that_cannot_be_read_is_named(api: ApiClient, path: str, parameter: str | None, says: str) -> None:
    problem = api.get(f"{path}{'' if 'lang' in path else '&lang=en'}", 400)
    assert problem.get("parameter") == parameter
    assert says in problem["detail"] or "lang" in path
    assert problem["status"] == 400


def test_what_is_unknown_is_named_in_the_reader_s_words(api: ApiClient) -> None:
    for path in ("/news?city=gorontalo", "/coverage?city=gorontalo"):
        assert api.get(path, 400)["detail"] == "Tidak ada kota “gorontalo”."


def test_choices_are_told_in_the_language_that_is_asked_for(api: ApiClient) -> None:
    assert api.get("/coverage?by=x", 400)["detail"] == "Hanya boleh 'published' atau 'found'."
    assert api.get("/coverage?by=x&lang=en", 400)["detail"] == "Only 'published' or 'found'."


def test_what_was_meant_is_suggested(api: ApiClient) -> None:
    assert api.get("/articles?city=gorontalo", 400)["suggestions"] == ["kota-gorontalo"]
    assert api.get("/pickups?city=gorontlo", 400)["suggestions"] == ["kota-gorontalo"]


def test_what_others_hang_onto_addresses_is_passed_over(api: ApiClient) -> None:
    assert api.get("/topics?utm_source=x&fbclid=y") == api.get("/topics")


@pytest.mark.parametrize(
    "path",
    [
        *("/articles/0", "/articles/99999", "/articles/x", f"/articles/{2**70}", "/articles/-1", "/articles/1.0"),
        *("/news/99999", "/news/tag:x", f"/news/{2**70}", "/news/%00", "/news/" + "9" * 3_000, "/news/²"),
        *("/stories/0", "/stories/99999", "/sources/tidak-ada", "/sources/%3Cscript%3E", "/nothing", "/articles/1/x"),
        *("/a%0Ab", "/news/a%0Ab", "/sources/%0A"),
    ],
)
def test_what_is_not_there_is_404(api: ApiClient, path: str) -> None:
    assert api.get(path, 404)["title"] == "Tidak ada"
    assert api.get(f"{path}?lang=en", 404)["title"] == "Not there"


def test_merged_news_leads_on_and_withdrawn_news_is_gone(api: ApiClient, world: World, server: httpx.Client) -> None:
    for key in map(str, world.merged):
        answer = server.get(f"{ROOT}/news/{key}")
        assert (answer.status_code, answer.headers["location"]) == (308, f"{ROOT}/news/{world.kept[0]}")
        assert answer.headers["cache-control"] == "no-store"
    for key in map(str, world.taken):
        assert api.get(f"/news/{key}", 410)["type"].endswith("#gone")


def test_a_merged_story_leads_on(tmp_path: Path, stage: Stage) -> None:
    room = make_room(tmp_path)
    report(room, 1)
    report(room, 2)
    with room.store.transaction():
        Chronicle(room.store, room.now).look()
        (one,), (other,) = room.ask("SELECT id FROM stories ORDER BY id LIMIT 2") * 2
        if one == other:
            other = room.store.add_story(room.now)
        room.store.merge_story(other, one, room.now)
    stage.app = make_app(room.store.path)
    answer = httpx.get(f"{stage.address}{ROOT}/stories/{other}", trust_env=False, timeout=60)
    assert (answer.status_code, answer.headers["location"]) == (308, f"{ROOT}/stories/{one}")
    room.store.close()


# ── without a database, with an old one, with trouble ──────────────────────────────────────────────────────────────


def test_without_a_database_it_says_so(tmp_path: Path, stage: Stage) -> None:
    stage.app = make_app(tmp_path / "news.db")
    with ApiClient.over(stage.address) as api:
        for path in api.document["paths"]:
            answer = api.client.get(path.replace("{id}", "1") + "?lang=en")
            api.check(answer)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
            assert answer.json()["title"] == "There is no data yet"
        assert api.client.get("/api").status_code == 200


def test_an_empty_database_is_no_fault(tmp_path: Path, stage: Stage) -> None:
    open_fresh(tmp_path / "news.db").close()
    stage.app = make_app(tmp_path / "news.db")
    with ApiClient.over(stage.address) as api:
        for path in api.document["paths"]:
            if "{id}" not in path:
                api.check(api.client.get(path))
        assert api.get("/articles") == {"items": [], "next": None, "changed_since": None}
        page = api.get("/articles?changed_since=start")
        assert (page["items"], page["next"]) == ([], None)


def test_an_older_schema_is_no_fault(tmp_path: Path, stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    with open_fresh(tmp_path / "news.db") as store:
        last = [each.name for each in MIGRATIONS.applied(store._db)][-1]
        store._connection.execute("DELETE FROM _sqlite_migrations WHERE name = ?", (last,))
        store._connection.commit()
    stage.app = make_app(tmp_path / "news.db")
    with caplog.at_level(logging.ERROR):
        answer = httpx.get(f"{stage.address}{ROOT}/news?lang=en", trust_env=False, timeout=60)
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["title"]) == (503, "60", "Trouble")
    assert "older version" in caplog.text
    assert "news.db" not in answer.text


def test_a_fault_of_ours_tells_nothing_of_itself(world: World, stage: Stage) -> None:
    def fail(_: Path) -> Store:
        raise ZeroDivisionError("kata sandi")

    stage.app = make_app(world.room.store.path, open_store=fail)
    answer = httpx.get(f"{stage.address}{ROOT}/news", trust_env=False, timeout=60)
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "sandi" not in answer.text


def test_a_crowd_is_refused_at_once(world: World, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.web.turnstile.Turnstile.enter", _refuse)
    stage.app = make_app(world.room.store.path)
    answer = httpx.get(f"{stage.address}{ROOT}/news", trust_env=False, timeout=60)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert answer.json()["type"] == "/api#crowded"


def _refuse(_self: object) -> Any:
    from aggregator.web.turnstile import CrowdedError

    raise CrowdedError


# ── what the operator keeps private ────────────────────────────────────────────────────────────────────────────────


def test_health_of_sources_is_the_operators_where_it_is_private(world: World, stage: Stage) -> None:
    private = Protection(private=frozenset({PrivatePages.STATUS, PrivatePages.SOURCES}), password=PASSWORD)
    stage.app = make_app(world.room.store.path, protection=private)
    credentials = {"Authorization": "Basic " + b64encode(f"x:{PASSWORD}".encode()).decode()}
    with ApiClient.over(stage.address) as api:
        assert {source["health"] for source in api.get("/sources")["items"]} == {None}
        stranger = api.get("/sources/pemkot")
        assert (stranger["health"], stranger["channels"], stranger["kind"]) == (None, None, "city-government")
        answer = api.client.get(f"{ROOT}/sources/pemkot", headers=credentials)
        api.check(answer)
        assert answer.json()["health"]["state"] == "good"
        assert answer.json()["channels"][0]["url"] == "https://pemkot.example/feed"
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers
        wrong = api.client.get(f"{ROOT}/sources", headers={"Authorization": credentials["Authorization"][:-4] + "AAAA"})
        assert {source["health"] for source in wrong.json()["items"]} == {None}


def test_health_of_sources_is_told_by_default(api: ApiClient) -> None:
    sources = [*api.walk("/sources?limit=2")]
    assert [source["id"] for source in sources] == sorted(source["id"] for source in sources)
    assert {source["health"]["state"] for source in sources} == {"good"}
    (pemkot,) = api.get("/sources?kind=city-government&city=kota-gorontalo&province=gorontalo")["items"]
    assert (pemkot["news"], pemkot["city"], pemkot["province"]) == (2, "kota-gorontalo", "gorontalo")


# ── cost ───────────────────────────────────────────────────────────────────────────────────────────────────────────

# What grows with the news. All else is small: sources, feeds, names; or a handful of ids (k), steps of a recursion.
LARGE = r"SCAN (articles|a|m|o|duplicate_groups|g|feed_items|i|stories|article_\w+|t|ar|\w+_changes|polls|links)\b"


@pytest.mark.slow
def test_no_question_walks_what_grows(world: World, stage: Stage) -> None:
    asked: set[str] = set()

    def open_traced(path: Path) -> Store:
        store = Store.open_reader(path)
        store._connection.set_trace_callback(asked.add)
        return store

    stage.app = make_app(world.room.store.path, open_store=open_traced)
    with ApiClient.over(stage.address) as api:
        lists = [f"/articles?{query}" for query in FILTERS] + [f"/news?{query}" for query in FILTERS]
        lists += [
            "/news?q=urusan&archive=yes",
            "/news?group=story",
            "/stories",
            "/pickups",
            "/coverage",
            "/sources",
            "",
        ]
        lists += ["/articles?changed_since=start", "/news?changed_since=start"]
        for path in lists:
            page = api.get(path + ("&limit=1" if "?" in path else ""))
            if page.get("next"):
                api.get(page["next"].removeprefix(ROOT))
        for name in ("articles", "news", "stories"):
            api.get(f"/{name}/{api.get(f'/{name}?limit=1')['items'][0]['id']}")
        token = api.get("/news?changed_since=start")["changed_since"]
        api.get(f"/news?changed_since={token}")
    questions = [sql for sql in asked if sql.lstrip().upper().startswith(("SELECT", "WITH"))]
    assert len(questions) > 100
    for sql in questions:
        plan = [row[-1] for row in world.room.store._connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
        assert not [line for line in plan if re.match(LARGE, line)], (sql, plan)
