"""Sample portals for `kabarkota demo`: the real pipeline against invented news, on loopback, without any network.

    content/     the texts, the portals and the demo's catalogue, as data
    articles     content ──▶ Article          what was written, and what the pipeline should make of it
    portals      content ──▶ Portal           how a portal publishes: theme, channels, zone, dialect of dates
    posts        Article + Portal + now ──▶ Post    an article on its portal on the day of the demo
    pages, channels     Post ──▶ bytes        article pages; feeds, sitemaps, REST answers, listings
    app, server         the portals served on 127.0.0.1, told apart by their Host header (`<slug>.localhost`)

Everything the portals print is invented, and every page says so in its footer.
"""

from schedules.demo.app import create_portals_app
from schedules.demo.articles import Article, load_articles
from schedules.demo.portals import Portal, load_portals
from schedules.demo.posts import Post, publish_posts
from schedules.demo.server import PortalServer, serve_portals

__all__ = [
    "Article",
    "Portal",
    "PortalServer",
    "Post",
    "create_portals_app",
    "load_articles",
    "load_portals",
    "publish_posts",
    "serve_portals",
]
