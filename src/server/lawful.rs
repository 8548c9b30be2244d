//! What RFC 9112 asks of a request's head and hyper leaves to us.

use std::net::Ipv6Addr;

use http::{
    HeaderValue, Method, Request, Uri, Version,
    header::{HOST, TRANSFER_ENCODING},
};

/// What is to be known of a head before its body is read.
pub(super) struct Head {
    /// How long it is: the request line, each header line as `name: value`, the empty line.
    ///
    /// Further blanks beside a value are not counted; hyper's own limit, about twice ours, counts those too.
    pub(super) bytes: usize,
    /// Whether target, Host and coding are ones that a server must not refuse (RFC 9112 sections 3.2, 3.3 and 6.1).
    pub(super) is_lawful: bool,
}

/// Looks a head over. Its headers are gone through once: that is less than to look for two of them.
pub(super) fn head<B>(request: &Request<B>) -> Head {
    let (mut hosts, mut codings) = (Given::None, Given::None);
    let mut headers = 0;
    for (name, value) in request.headers() {
        headers += name.as_str().len() + value.len() + ": \r\n".len();
        if name == HOST {
            hosts = hosts.and(value);
        } else if name == TRANSFER_ENCODING {
            codings = codings.and(value);
        }
    }
    let is_lawful = target_is_lawful(request.method(), request.uri())
        && host_is_lawful(hosts, request.version())
        && coding_is_lawful(codings);
    Head {
        bytes: line_bytes(request.method(), request.uri()) + headers + "\r\n".len(),
        is_lawful,
    }
}

/// How often a header is given.
#[derive(Clone, Copy)]
enum Given<'a> {
    None,
    Once(&'a HeaderValue),
    Often,
}

impl<'a> Given<'a> {
    fn and(self, value: &'a HeaderValue) -> Given<'a> {
        match self {
            Given::None => Given::Once(value),
            Given::Once(_) | Given::Often => Given::Often,
        }
    }
}

fn line_bytes(method: &Method, uri: &Uri) -> usize {
    // A URL's `://` beside its two parts.
    let origin = uri.scheme_str().map_or(0, |scheme| scheme.len() + 3)
        + uri
            .authority()
            .map_or(0, |authority| authority.as_str().len());
    let target = origin + uri.path_and_query().map_or(0, |path| path.as_str().len());
    method.as_str().len() + target + " ".len() * 2 + "HTTP/1.1\r\n".len()
}

fn target_is_lawful(method: &Method, uri: &Uri) -> bool {
    let ascii = uri
        .path_and_query()
        .is_none_or(|path| path.as_str().is_ascii());
    ascii
        && match (uri.scheme(), uri.authority()) {
            // A URL, as for a proxy: a server must take it, and its own name stands in it.
            (Some(scheme), Some(authority)) => {
                !scheme.as_str().is_empty() && is_authority(authority.as_str().as_bytes())
            }
            // `*` asks about the whole server, which is for OPTIONS alone.
            _ if uri.path() == "*" => *method == Method::OPTIONS,
            _ => uri.path().starts_with('/') && uri.authority().is_none(),
        }
}

fn host_is_lawful(hosts: Given<'_>, version: Version) -> bool {
    match hosts {
        Given::None => version < Version::HTTP_11,
        Given::Once(host) => is_authority(host.as_bytes()),
        Given::Often => false,
    }
}

/// Tells whether the body comes in chunks and no other coding, or in none.
///
/// Hyper looks at the last coding alone, and would hand over what another one made of the body as if it were the body.
fn coding_is_lawful(codings: Given<'_>) -> bool {
    match codings {
        Given::None => true,
        Given::Once(coding) => coding.as_bytes().eq_ignore_ascii_case(b"chunked"),
        Given::Often => false,
    }
}

/// Tells whether this is a host, and perhaps a port (RFC 9110 section 7.2). An empty host names nobody, so it is refused.
///
/// Every request has one: it is gone through once, as bytes.
fn is_authority(text: &[u8]) -> bool {
    let host_end = match text {
        [b'[', rest @ ..] => match rest.iter().position(|byte| *byte == b']') {
            Some(end) if is_version_6(&rest[..end]) => end + 2,
            _ => return false,
        },
        name => name_end(name),
    };
    match text.split_at(host_end) {
        ([], _) => false,
        (_, [b':', port @ ..]) => is_port(port),
        (_, rest) => rest.is_empty(),
    }
}

fn is_version_6(address: &[u8]) -> bool {
    str::from_utf8(address).is_ok_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

/// Tells whether this is a port; that none follows its colon is lawful (RFC 3986 section 3.2.3).
fn is_port(port: &[u8]) -> bool {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
    port.iter()
        .try_fold(0_u16, |port, byte| {
            port.checked_mul(10)?.checked_add(digit(byte)?)
        })
        .is_some()
}

/// Returns where a `reg-name` of RFC 3986 section 3.2.2, an IPv4 address included, ends.
fn name_end(text: &[u8]) -> usize {
    let mut end = 0;
    loop {
        end += match text[end..] {
            [byte, ..] if IN_A_NAME[usize::from(byte)] => 1,
            [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => 3,
            _ => return end,
        };
    }
}

/// Which bytes may stand in a name as they are; a table, for every request has a name.
const IN_A_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = matches!(byte as u8, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&'..=b',' | b';' | b'=');
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::name("localhost", true)]
    #[case::port("localhost:8443", true)]
    #[case::empty_port("localhost:", true)]
    #[case::address("127.0.0.1:8443", true)]
    #[case::version_6("[::1]:8443", true)]
    #[case::version_6_alone("[::1]", true)]
    #[case::escaped("a%20b", true)]
    #[case::empty("", false)]
    #[case::port_alone(":8443", false)]
    #[case::blank("a b", false)]
    #[case::user("user@host", false)]
    #[case::path("host/path", false)]
    #[case::list("a,b", true)] // A comma is lawful in a reg-name.
    #[case::bare_version_6("::1", false)]
    #[case::no_address("[host]", false)]
    #[case::after_bracket("[::1]x", false)]
    #[case::open_bracket("[::1", false)]
    #[case::port_too_high("host:65536", false)]
    #[case::port_signed("host:+80", false)]
    #[case::port_word("host:http", false)]
    #[case::highest_port("host:65535", true)]
    #[case::port_with_noughts("host:0000080", true)]
    #[case::two_ports("host:80:80", false)]
    #[case::version_6_with_a_port_too_high("[::1]:65536", false)]
    #[case::letters_beyond_ascii("h\u{f6}st", false)]
    #[case::broken_escape("a%2", false)]
    #[case::no_escape("a%2x", false)]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port(#[case] host: &str, #[case] lawful: bool) {
        assert_eq!(is_authority(host.as_bytes()), lawful);
    }

    #[rstest]
    #[case::path("/a?b=c", "GET", true)]
    #[case::url("http://host/a", "GET", true)]
    #[case::url_with_user("http://user:word@host/a", "GET", false)]
    #[case::everything("*", "OPTIONS", true)]
    #[case::star("*", "GET", false)]
    #[case::authority("host:80", "CONNECT", false)]
    #[case::name_alone("host", "GET", false)]
    #[case::no_scheme("://host/a", "GET", false)]
    fn a_target_is_a_path_or_a_url(
        #[case] target: &str,
        #[case] method: &str,
        #[case] lawful: bool,
    ) {
        let request = http::Request::builder()
            .method(method)
            .uri(target)
            .body(())
            .unwrap();
        assert_eq!(target_is_lawful(request.method(), request.uri()), lawful);
    }

    #[test]
    fn a_head_is_counted_to_the_byte() {
        let head = "GET /a?b=c HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n\r\n";
        let request = http::Request::builder()
            .uri("/a?b=c")
            .header("host", "localhost")
            .header("accept", "*/*")
            .body(())
            .unwrap();
        assert_eq!(super::head(&request).bytes, head.len());
    }
}
