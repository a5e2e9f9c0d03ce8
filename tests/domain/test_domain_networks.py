"""Where a URL from outside may lead: the public internet, and what the operator allows."""

from ipaddress import ip_address, ip_network

import pytest

from guestlist.domain.networks import PrivateAddressError, check_url, is_open

CLOSED = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]
OPEN = [
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "126.255.255.255",
    "128.0.0.1",
    "169.253.255.255",
    "169.255.0.1",
    "172.15.255.255",
    "172.32.0.1",
    "192.0.1.1",
    "192.167.255.255",
    "192.169.0.1",
    "198.17.255.255",
    "198.20.0.1",
    "223.255.255.255",
    "93.184.216.34",
    "2606:4700:4700::1111",
    "2a00:1450:4001::200e",
    "::ffff:1.1.1.1",
    "64:ff9b::101:101",
    "2001:200::1",
    "2003::1",
    "2620:4e:8000::1",
]


@pytest.mark.parametrize("address", CLOSED)
def test_an_inward_address_is_closed(address):
    assert not is_open(ip_address(address))


@pytest.mark.parametrize("address", OPEN)
def test_a_public_address_is_open(address):
    assert is_open(ip_address(address))


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.1.2.3", "10.1.0.0/16"),
        ("::ffff:10.1.2.3", "10.1.0.0/16"),
        ("64:ff9b::a01:203", "10.1.0.0/16"),
        ("127.0.0.1", "127.0.0.0/8"),
        ("fd00::5", "fd00::/8"),
    ],
)
def test_what_the_operator_allows_is_open_and_its_neighbours_are_not(address, network):
    allowed = [ip_network(network)]
    assert is_open(ip_address(address), allowed)
    assert not is_open(ip_address("192.168.7.7"), allowed)
    assert not is_open(ip_address("::1"), allowed)


@pytest.mark.parametrize(
    "url",
    ["https://hooks.example.com/in", "http://example.com:8080/a?b=c", "https://1.1.1.1/", "https://[2606:4700:4700::1111]/x"],
)
def test_a_web_address_can_be_an_endpoint(url):
    assert check_url(url) is None


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "whole web address"),
        ("example.com/in", "whole web address"),
        ("ftp://example.com/in", "whole web address"),
        ("file:///etc/passwd", "whole web address"),
        ("https://", "whole web address"),
        ("https://[::1/in", "whole web address"),
        ("https://example.com:99999/", "whole web address"),
        ("https://ann:secret@example.com/", "user or password"),
        ("https://example.com/#top", "before the #"),
        ("https://example.com/a b", "spaces"),
        ("https://example.com/\r\nHost: x", "spaces"),
        ("https://example.com/" + "a" * 2048, "2,048"),
    ],
)
def test_what_is_no_web_address_is_told_so(url, problem):
    with pytest.raises(ValueError, match=problem) as refused:
        check_url(url)
    assert not isinstance(refused.value, PrivateAddressError)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://[::1]:8080/",
        "http://169.254.169.254/latest/meta-data",
        "http://localhost/",
        "http://[::ffff:10.0.0.1]/",
    ],
)
def test_an_inward_url_is_refused_before_it_is_kept(url):
    with pytest.raises(PrivateAddressError):
        check_url(url)
    assert check_url("http://127.0.0.1:9000/in", [ip_network("127.0.0.0/8")]) is None
