//! Pages that come where JSON is expected. The text is ours, in the manner of its kind.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use crate::failure::Page;

impl Page {
    /// Returns the status it comes with if none is asked for.
    pub fn status(self) -> StatusCode {
        match self {
            Page::Apache => StatusCode::SERVICE_UNAVAILABLE,
            Page::Login => StatusCode::OK,
            Page::Proxy => StatusCode::BAD_GATEWAY,
        }
    }

    /// Returns its content type.
    pub fn content_type(self) -> HeaderValue {
        // Apache's own error pages are in the character set of old.
        HeaderValue::from_static(if self == Page::Apache {
            "text/html; charset=iso-8859-1"
        } else {
            "text/html; charset=utf-8"
        })
    }

    /// Returns the whole answer.
    pub fn response(self) -> Response<Bytes> {
        let mut response = Response::new(self.text(self.status()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, self.content_type());
        response
    }

    /// Returns its text for a status.
    pub fn text(self, status: StatusCode) -> Bytes {
        let text = match self {
            Page::Apache => include_str!("pages/apache.html"),
            Page::Login => include_str!("pages/login.html"),
            Page::Proxy => include_str!("pages/proxy.html"),
        };
        filled(text, status)
    }
}

/// Returns the text that comes with a redirection; it is of the same type as Apache's pages.
pub fn elsewhere(status: StatusCode) -> Bytes {
    filled(include_str!("pages/elsewhere.html"), status)
}

fn filled(text: &str, status: StatusCode) -> Bytes {
    text.replace("{status}", status.as_str())
        .replace("{reason}", status.canonical_reason().unwrap_or("Error"))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_tells_its_status_and_is_no_json() {
        for page in Page::ALL.iter().copied() {
            let name = page.name();
            let text = page.text(page.status());
            let text = std::str::from_utf8(&text).unwrap();
            assert!(
                text.is_ascii() && !text.contains('{') && text.ends_with("</html>\n"),
                "{name}: {text}"
            );
            assert_eq!(
                text.contains(page.status().as_str()),
                page != Page::Login,
                "{name}"
            );
        }
    }
}
