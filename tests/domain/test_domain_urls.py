"""URLs that others fetch: what leads inward, or nowhere, is refused, and the refusal says why without repeating it."""

import pytest

from guestlist.domain.urls import refuse_url


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.acme.com/a.png",
        "http://cdn.acme.com:8080/a?b=c",
        "http://93.184.216.34/x",
        "https://[2606:4700::6810:84e5]/x",
    ],
)
def test_what_anybody_can_fetch_is_taken(url):
    assert refuse_url(url) is None


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST.",
        "shop.localhost",
        "printer.local",
        "vault.internal",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "10.1.2.3",
        "172.16.0.9",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 (an address that is refused)
        "224.0.0.1",
        "[::1]",
        "[fe80::1]",
        "[fd00::1]",
        "[::ffff:10.0.0.1]",
        "[64:ff9b::a00:1]",
    ],
)
def test_hosts_that_lie_inward_are_refused(host):
    bad = refuse_url(f"https://{host}/cat.png")
    assert bad.code == "private_host"
    assert "private network" in bad.sentence
    assert "cat.png" not in bad.sentence


@pytest.mark.parametrize(
    "url",
    [
        "",
        "cat.png",
        "ftp://a.com/x",
        "javascript:alert(1)",
        "https://",
        "https://a b.com/",
        "https://a.com:99999/",
        "https://[::1",
        "https://ana:sesame@a.com/",
        "https://a.com/" + "x" * 2100,
    ],
)
def test_what_is_no_url_for_others_is_refused(url):
    bad = refuse_url(url)
    assert bad.code == "bad_url"
    assert "sesame" not in bad.sentence


def test_pages_are_opened_by_https_alone():
    assert refuse_url("http://a.com/", https=True).code == "not_https"
    assert refuse_url("https://a.com/", https=True) is None
