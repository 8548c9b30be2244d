//! Requests that hit no operation: all are counted, and the first are kept by method and path.

use std::fmt;

use http::{Method, Uri};

use crate::{appliance::Directory, contract::encoding::percent_decode, fixture::counted};

/// Requests that hit no operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnmatchedRequests {
    /// How many there were.
    pub count: u64,
    /// The first hundred, each once: method and path, and why the server refused it.
    pub first: Vec<String>,
}

impl UnmatchedRequests {
    pub(super) fn add(&mut self, line: String) {
        self.count += 1;
        if self.first.len() < MAX_REMEMBERED && !self.first.contains(&line) {
            self.first.push(line);
        }
    }
}

/// Method and path, without the query, which may hold a secret; without a path that holds a user's password.
pub(super) fn line(method: &Method, uri: &Uri, directory: &Directory) -> String {
    let path = percent_decode(uri.path());
    let mut users = directory.users();
    if users.any(|user| path.contains(user.password.expose())) {
        return format!("{method} on a path with a password in it");
    }
    let path: String = uri.path().chars().take(MAX_PATH_CHARS).collect();
    format!("{method} {path}")
}

/// Says how many and which: `3 requests hit no operation: GET /a, POST /b`.
impl fmt::Display for UnmatchedRequests {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let requests = counted(self.count as usize, "request");
        let first = self.first.join(", ");
        write!(out, "{requests} hit no operation: {first}")
    }
}

const MAX_REMEMBERED: usize = 100;
const MAX_PATH_CHARS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_the_first_remembered_without_their_query() {
        let mut unmatched = UnmatchedRequests::default();
        let directory = Directory::default();
        for number in 0..300 {
            let uri = format!("/{}?password=hidden", number / 2).parse().unwrap();
            unmatched.add(line(&Method::GET, &uri, &directory));
        }
        assert_eq!((unmatched.count, unmatched.first.len()), (300, 100));
        assert_eq!(unmatched.first[0], "GET /0");
        assert!(!unmatched.to_string().contains("hidden"));
    }
}
