//! The checks that RFC 9112 demands of a request's head and hyper does not make.

use std::net::Ipv6Addr;

use http::{
    HeaderMap, Method, Request, Uri, Version,
    header::{HOST, TRANSFER_ENCODING},
};

use crate::server::Refusal;

/// Checks a request's head before its body is read: its length, and RFC 9112 sections 3.2, 3.3 and 6.1.
pub(crate) fn validate_head<B>(request: &Request<B>, max_bytes: usize) -> Result<(), Refusal> {
    if head_bytes(request) > max_bytes {
        Err(Refusal::HeadTooLarge)
    } else if is_valid_target(request.method(), request.uri())
        && has_valid_host(request.headers(), request.version())
        && has_valid_coding(request.headers())
    {
        Ok(())
    } else {
        Err(Refusal::BadRequest)
    }
}

/// Counts the request line, each header line as `name: value`, and the empty line.
///
/// Further blanks beside a value are not counted; hyper's own limit, about twice ours, counts those too.
fn head_bytes<B>(request: &Request<B>) -> usize {
    let (uri, headers) = (request.uri(), request.headers());
    // A URL's `://` beside its two parts.
    let target = uri.scheme_str().map_or(0, |scheme| scheme.len() + 3)
        + uri
            .authority()
            .map_or(0, |authority| authority.as_str().len())
        + uri.path_and_query().map_or(0, |path| path.as_str().len());
    let lines = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    request.method().as_str().len() + target + "  HTTP/1.1\r\n\r\n".len() + lines.sum::<usize>()
}

fn is_valid_target(method: &Method, uri: &Uri) -> bool {
    let target = uri.path_and_query();
    target.is_none_or(|target| target.as_str().is_ascii())
        && match (uri.scheme_str(), uri.authority()) {
            // A URL, as for a proxy: a server must take it, and its own name stands in it.
            (Some(scheme), Some(authority)) => {
                !scheme.is_empty() && is_authority(authority.as_str().as_bytes())
            }
            // `*` asks about the whole server, which is for OPTIONS alone.
            _ if uri.path() == "*" => *method == Method::OPTIONS,
            (_, authority) => uri.path().starts_with('/') && authority.is_none(),
        }
}

fn has_valid_host(headers: &HeaderMap, version: Version) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => version < Version::HTTP_11,
        (Some(host), None) => is_authority(host.as_bytes()),
        (Some(_), Some(_)) => false,
    }
}

/// Returns whether the body comes in chunks and no other coding, or in none.
///
/// Hyper looks at the last coding alone, and would hand over a compressed body as if it were plain.
fn has_valid_coding(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => coding.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}

/// Returns whether this is a host, and perhaps a port (RFC 9110 section 7.2). An empty host is refused; a
/// port may be empty (RFC 3986 section 3.2.3).
fn is_authority(text: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(text) else {
        return false;
    };
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (text, ""),
    };
    let is_host = match host.strip_prefix('[') {
        Some(rest) => rest
            .strip_suffix(']')
            .is_some_and(|ip| ip.parse::<Ipv6Addr>().is_ok()),
        None => is_name(host),
    };
    let is_port = port.is_empty() || port.parse::<u16>().is_ok();
    is_host && is_port && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns whether this is a `reg-name` of RFC 3986 section 3.2.2, an IPv4 address included.
fn is_name(host: &str) -> bool {
    let mut escapes = host.split('%').skip(1).map(str::as_bytes);
    !host.is_empty()
        && host.bytes().all(|byte| byte == b'%' || is_name_byte(byte))
        && escapes.all(|escape| matches!(escape, [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()))
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte)
}

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
    #[case::list("a,b", true)] // A comma is valid in a reg-name.
    #[case::bare_version_6("::1", false)]
    #[case::no_address("[host]", false)]
    #[case::after_bracket("[::1]x", false)]
    #[case::open_bracket("[::1", false)]
    #[case::port_too_high("host:65536", false)]
    #[case::port_signed("host:+80", false)]
    #[case::port_word("host:http", false)]
    #[case::highest_port("host:65535", true)]
    #[case::port_with_leading_zeros("host:0000080", true)]
    #[case::two_ports("host:80:80", false)]
    #[case::version_6_with_a_port_too_high("[::1]:65536", false)]
    #[case::letters_beyond_ascii("h\u{f6}st", false)]
    #[case::broken_escape("a%2", false)]
    #[case::no_escape("a%2x", false)]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port(#[case] host: &str, #[case] valid: bool) {
        assert_eq!(is_authority(host.as_bytes()), valid);
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
        #[case] valid: bool,
    ) {
        let request = http::Request::builder()
            .method(method)
            .uri(target)
            .body(())
            .unwrap();
        assert_eq!(is_valid_target(request.method(), request.uri()), valid);
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
        assert_eq!(head_bytes(&request), head.len());
    }
}
