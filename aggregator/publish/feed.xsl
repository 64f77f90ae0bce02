<?xml version="1.0" encoding="utf-8"?>
<!-- Shows a feed in a browser as a page: what it is, how to subscribe, its news. All text leaves as text: no markup of
     an item is let through, whatever it holds. -->
<xsl:stylesheet version="1.0"
    xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
    xmlns:atom="http://www.w3.org/2005/Atom"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    exclude-result-prefixes="atom dc">
  <xsl:output method="html" encoding="utf-8" indent="no" doctype-system="about:legacy-compat"/>

  <!-- The style sheet in CSS stands beside this one; the document itself says where. -->
  <xsl:variable name="css" select="/processing-instruction('xml-stylesheet')[contains(., 'text/css')]"/>

  <xsl:template match="/rss/channel">
    <xsl:call-template name="page">
      <xsl:with-param name="language" select="language"/>
      <xsl:with-param name="title" select="title"/>
      <xsl:with-param name="description" select="description"/>
      <xsl:with-param name="home" select="link"/>
      <xsl:with-param name="address" select="atom:link[@rel='self']/@href"/>
      <xsl:with-param name="items" select="item"/>
    </xsl:call-template>
  </xsl:template>

  <xsl:template match="/atom:feed">
    <xsl:call-template name="page">
      <xsl:with-param name="language" select="@xml:lang"/>
      <xsl:with-param name="title" select="atom:title"/>
      <xsl:with-param name="description" select="atom:subtitle"/>
      <xsl:with-param name="home" select="atom:link[@rel='alternate' and @type='text/html']/@href"/>
      <xsl:with-param name="address" select="atom:link[@rel='self']/@href"/>
      <xsl:with-param name="items" select="atom:entry"/>
    </xsl:call-template>
  </xsl:template>

  <xsl:template match="/opml">
    <xsl:call-template name="page">
      <xsl:with-param name="language" select="'id'"/>
      <xsl:with-param name="title" select="head/title"/>
      <xsl:with-param name="description" select="head/ownerName"/>
      <xsl:with-param name="is-list" select="true()"/>
      <xsl:with-param name="items" select="body/outline"/>
    </xsl:call-template>
  </xsl:template>

  <xsl:template name="page">
    <xsl:param name="language"/>
    <xsl:param name="title"/>
    <xsl:param name="description"/>
    <xsl:param name="home"/>
    <xsl:param name="address"/>
    <xsl:param name="items"/>
    <xsl:param name="is-list" select="false()"/>
    <html lang="{$language}">
      <head>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <meta name="color-scheme" content="light dark"/>
        <title><xsl:value-of select="$title"/></title>
        <xsl:if test="$css">
          <link rel="stylesheet">
            <xsl:attribute name="href">
              <xsl:value-of select="substring-before(substring-after($css, 'href=&quot;'), '&quot;')"/>
            </xsl:attribute>
          </link>
        </xsl:if>
      </head>
      <body>
        <header>
          <div class="frame">
            <p class="kind"><xsl:choose>
              <xsl:when test="$is-list">OPML</xsl:when>
              <xsl:otherwise>Feed (RSS/Atom)</xsl:otherwise>
            </xsl:choose></p>
            <h1><xsl:value-of select="$title"/></h1>
            <p class="about"><xsl:value-of select="$description"/></p>
            <xsl:if test="starts-with($home, 'http') or starts-with($home, '/')">
              <p class="home"><a href="{$home}"><xsl:choose>
                <xsl:when test="$language = 'en'">See it as a page</xsl:when>
                <xsl:otherwise>Lihat sebagai halaman</xsl:otherwise>
              </xsl:choose></a></p>
            </xsl:if>
          </div>
        </header>
        <div class="frame columns">
          <xsl:call-template name="guide">
            <xsl:with-param name="address" select="$address"/>
            <xsl:with-param name="is-list" select="$is-list"/>
          </xsl:call-template>
          <main>
            <xsl:if test="not($items)">
              <p class="none">Belum ada berita. <span lang="en">No news yet.</span></p>
            </xsl:if>
            <xsl:apply-templates select="$items"/>
          </main>
        </div>
      </body>
    </html>
  </xsl:template>

  <xsl:template name="guide">
    <xsl:param name="address"/>
    <xsl:param name="is-list"/>
    <section class="guide">
      <div lang="id">
        <h2>Cara berlangganan</h2>
        <xsl:choose>
          <xsl:when test="$is-list">
            <p>Berkas ini memuat daftar feed. Simpan, lalu impor (OPML) di pembaca feed Anda; atau salin alamat satu feed dari daftar.</p>
          </xsl:when>
          <xsl:otherwise>
            <p>Ini sebuah feed: berita baru datang sendiri ke pembaca feed Anda. Salin alamat ini, lalu tempelkan di sana:</p>
            <code><xsl:value-of select="$address"/></code>
          </xsl:otherwise>
        </xsl:choose>
      </div>
      <div lang="en">
        <h2>How to subscribe</h2>
        <xsl:choose>
          <xsl:when test="$is-list">
            <p>This file lists feeds. Save it and import it (OPML) into your feed reader; or copy the address of one feed from the list.</p>
          </xsl:when>
          <xsl:otherwise>
            <p>This is a feed: new items come to your feed reader by themselves. Copy its address and paste it there.</p>
          </xsl:otherwise>
        </xsl:choose>
      </div>
    </section>
  </xsl:template>

  <xsl:template match="item">
    <xsl:call-template name="entry">
      <xsl:with-param name="title" select="title"/>
      <xsl:with-param name="link" select="link"/>
      <xsl:with-param name="language" select="../language"/>
      <xsl:with-param name="day" select="number(substring(pubDate, 6, 2))"/>
      <xsl:with-param name="month" select="string-length(substring-before('JanFebMarAprMayJunJulAugSepOctNovDec', substring(pubDate, 9, 3))) div 3 + 1"/>
      <xsl:with-param name="year" select="substring(pubDate, 13, 4)"/>
      <xsl:with-param name="time" select="substring(pubDate, 18, 5)"/>
      <xsl:with-param name="html" select="description"/>
      <xsl:with-param name="author" select="dc:creator"/>
      <xsl:with-param name="source" select="source"/>
    </xsl:call-template>
  </xsl:template>

  <xsl:template match="atom:entry">
    <xsl:call-template name="entry">
      <xsl:with-param name="title" select="atom:title"/>
      <xsl:with-param name="link" select="atom:link[@rel='alternate']/@href"/>
      <xsl:with-param name="language" select="../@xml:lang"/>
      <xsl:with-param name="day" select="number(substring(atom:published, 9, 2))"/>
      <xsl:with-param name="month" select="number(substring(atom:published, 6, 2))"/>
      <xsl:with-param name="year" select="substring(atom:published, 1, 4)"/>
      <xsl:with-param name="time" select="substring(atom:published, 12, 5)"/>
      <xsl:with-param name="html" select="atom:summary"/>
      <xsl:with-param name="author" select="atom:author/atom:name[. != ../../atom:source/atom:title]"/>
      <xsl:with-param name="source" select="atom:source/atom:title"/>
    </xsl:call-template>
  </xsl:template>

  <xsl:template match="outline[outline]">
    <section>
      <h2><xsl:value-of select="@text"/></h2>
      <ul><xsl:apply-templates select="outline"/></ul>
    </section>
  </xsl:template>

  <xsl:template match="outline">
    <li>
      <xsl:choose>
        <xsl:when test="starts-with(@xmlUrl, 'http') or starts-with(@xmlUrl, '/')">
          <a href="{@xmlUrl}"><xsl:value-of select="@text"/></a>
        </xsl:when>
        <xsl:otherwise><xsl:value-of select="@text"/></xsl:otherwise>
      </xsl:choose>
    </li>
  </xsl:template>

  <xsl:template name="entry">
    <xsl:param name="title"/>
    <xsl:param name="link"/>
    <xsl:param name="language"/>
    <xsl:param name="day"/>
    <xsl:param name="month"/>
    <xsl:param name="year"/>
    <xsl:param name="time"/>
    <xsl:param name="html"/>
    <xsl:param name="author"/>
    <xsl:param name="source"/>
    <xsl:variable name="excerpt" select="substring-before(substring-after($html, '&lt;p&gt;'), '&lt;/p&gt;')"/>
    <article>
      <h3>
        <xsl:choose>
          <xsl:when test="starts-with($link, 'http://') or starts-with($link, 'https://')">
            <a href="{$link}" rel="noreferrer"><xsl:value-of select="$title"/></a>
          </xsl:when>
          <xsl:otherwise><xsl:value-of select="$title"/></xsl:otherwise>
        </xsl:choose>
      </h3>
      <p class="when">
        <xsl:value-of select="$day"/>
        <xsl:text> </xsl:text>
        <xsl:choose>
          <xsl:when test="$language = 'en'"><xsl:value-of select="substring('JanFebMarAprMayJunJulAugSepOctNovDec', $month * 3 - 2, 3)"/></xsl:when>
          <xsl:otherwise><xsl:value-of select="substring('JanFebMarAprMeiJunJulAguSepOktNovDes', $month * 3 - 2, 3)"/></xsl:otherwise>
        </xsl:choose>
        <xsl:text> </xsl:text>
        <xsl:value-of select="$year"/>
        <xsl:if test="$time != '00:00'">, <xsl:value-of select="$time"/></xsl:if>
        <xsl:if test="$source != ''"> · <xsl:value-of select="$source"/></xsl:if>
        <xsl:if test="$author != ''"> · <xsl:value-of select="$author"/></xsl:if>
      </p>
      <!-- The credit holds tags, an excerpt never does. -->
      <xsl:if test="$excerpt != '' and not(contains($excerpt, '&lt;'))">
        <p class="excerpt"><xsl:call-template name="unescape"><xsl:with-param name="text" select="$excerpt"/></xsl:call-template></p>
      </xsl:if>
    </article>
  </xsl:template>

  <!-- Reads the three escapes of HTML text; what comes out is written as text again. -->
  <xsl:template name="unescape">
    <xsl:param name="text"/>
    <xsl:choose>
      <xsl:when test="contains($text, '&amp;')">
        <xsl:variable name="rest" select="substring-after($text, '&amp;')"/>
        <xsl:value-of select="substring-before($text, '&amp;')"/>
        <xsl:choose>
          <xsl:when test="starts-with($rest, 'lt;')">&lt;</xsl:when>
          <xsl:when test="starts-with($rest, 'gt;')">&gt;</xsl:when>
          <xsl:otherwise>&amp;</xsl:otherwise>
        </xsl:choose>
        <xsl:call-template name="unescape">
          <xsl:with-param name="text" select="substring-after($rest, ';')"/>
        </xsl:call-template>
      </xsl:when>
      <xsl:otherwise><xsl:value-of select="$text"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>
</xsl:stylesheet>
