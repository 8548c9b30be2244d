//! An answer that is not yet one of HTTP: what it is made of, so that whoever sends it can use a map of headers that is there.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

/// What is answered.
#[derive(Debug)]
pub enum Reply {
    /// What the rules word: nearly always.
    Worded {
        /// Its status.
        status: StatusCode,
        /// What its body is.
        content_type: HeaderValue,
        /// The methods that are allowed, where another one was tried.
        allow: Option<HeaderValue>,
        /// Its body.
        body: Bytes,
    },
    /// An answer of any other kind.
    Whole(Response<Bytes>),
}

impl Reply {
    /// Returns its status.
    pub fn status(&self) -> StatusCode {
        match self {
            Reply::Worded { status, .. } => *status,
            Reply::Whole(response) => response.status(),
        }
    }

    /// Returns it as HTTP has it.
    pub fn into_response(self) -> Response<Bytes> {
        self.into_response_in(HeaderMap::new(), |body| body)
    }

    /// Returns it as HTTP has it; its headers go into this map in place of what is in there, if it brings none along, and its body into
    /// whatever holds bodies.
    ///
    /// A map that held a request's headers has room for an answer's: nothing has to be allocated for them.
    pub fn into_response_in<B>(
        self,
        mut spare: HeaderMap,
        body_of: impl FnOnce(Bytes) -> B,
    ) -> Response<B> {
        match self {
            Reply::Worded {
                status,
                content_type,
                allow,
                body,
            } => {
                spare.clear();
                spare.insert(header::CONTENT_TYPE, content_type);
                if let Some(allow) = allow {
                    spare.insert(header::ALLOW, allow);
                }
                let mut response = Response::new(body_of(body));
                *response.status_mut() = status;
                *response.headers_mut() = spare;
                response
            }
            Reply::Whole(response) => response.map(body_of),
        }
    }
}

impl From<Response<Bytes>> for Reply {
    fn from(response: Response<Bytes>) -> Reply {
        Reply::Whole(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_what_was_in_the_map_is_sent() {
        let spare = HeaderMap::from_iter([
            (header::AUTHORIZATION, HeaderValue::from_static("x")),
            (header::ALLOW, HeaderValue::from_static("y")),
        ]);
        let content_type = HeaderValue::from_static("application/json");
        let reply = Reply::Worded {
            status: StatusCode::NOT_FOUND,
            content_type,
            allow: None,
            body: Bytes::from_static(b"{}"),
        };
        let response = reply.into_response_in(spare, |body| body);
        assert_eq!(
            (response.status(), response.headers().len()),
            (StatusCode::NOT_FOUND, 1)
        );
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    }
}
