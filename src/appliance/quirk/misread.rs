//! What is read out of a request that does not stand there, or is not read though it does.

use bytes::Bytes;
use http::{Method, Request, header};
use serde_json::{Map, Value};

use super::percent;
use crate::{
    appliance::{Asked, Rules, Worded, judge::proves},
    contract::{Circumstance, Field, Kind, Operation, Outcome, closed_set},
};

closed_set! {
    /// A way to misread.
    Misread, "quirk" {
        /// A client that would rather read HTML is refused.
        AcceptHonoured = "accept_honoured",
        /// The administrator's name is read from `admin_user` and from nowhere else.
        AdminUserAlone = "admin_user_alone",
        /// Every method is taken for POST.
        AnyMethodTaken = "any_method_taken",
        /// `/authentication/…` is served without any prefix.
        BarePathTaken = "bare_path_taken",
        /// `/authentication/…` without any prefix is served, and nothing else.
        BarePathAlone = "bare_path_alone",
        /// Blanks around values are lost.
        BlanksTrimmed = "blanks_trimmed",
        /// A byte order mark before the body is skipped.
        ByteOrderMarkTaken = "byte_order_mark_taken",
        /// `newPassword` is read for `new_password`.
        CamelCaseTaken = "camel_case_taken",
        /// A content type with a parameter is refused.
        CharsetRefused = "charset_refused",
        /// `/* … */` in a body is skipped.
        CommentsTaken = "comments_taken",
        /// A content type in capitals is refused.
        ContentTypeToTheLetter = "content_type_to_the_letter",
        /// A body without its last brace is read as if it had one.
        CutBodiesMended = "cut_bodies_mended",
        /// `//` in a path is `/`.
        DoubledSlashesTaken = "doubled_slashes_taken",
        /// An empty password is as good as the right one.
        EmptyPasswordPasses = "empty_password_passes",
        /// `\u0041` in a body stays as it is.
        EscapesKept = "escapes_kept",
        /// Field names do not tell upper from lower case.
        FieldNamesWithoutCase = "field_names_without_case",
        /// `name=value&…` is read like JSON.
        FormsRead = "forms_read",
        /// GET is taken for POST.
        GetTaken = "get_taken",
        /// Bodies over 16 KiB are not read.
        LargeBodiesUnread = "large_bodies_unread",
        /// A body that is a list is its first element.
        ListBodiesUnwrapped = "list_bodies_unwrapped",
        /// A value that is a list or an object is its first element.
        ListsUnwrapped = "lists_unwrapped",
        /// `post` is POST.
        LowerCaseMethodTaken = "lower_case_method_taken",
        /// A field that is missing is an empty text.
        MissingIsEmpty = "missing_is_empty",
        /// Who sends no password need not know it.
        MissingPasswordPasses = "missing_password_passes",
        /// Who names no user means the administrator.
        MissingUserIsAdmin = "missing_user_is_admin",
        /// Characters beyond ASCII are question marks.
        NotAsciiMangled = "not_ascii_mangled",
        /// A password that is null is as good as the right one.
        NullPasswordPasses = "null_password_passes",
        /// Numbers and booleans are read as texts.
        NumbersCoerced = "numbers_coerced",
        /// The paths of the other kind of appliance are served too.
        OtherKindsPathsTaken = "other_kinds_paths_taken",
        /// Paths do not tell upper from lower case.
        PathsWithoutCase = "paths_without_case",
        /// `%41` and `+` in values are decoded.
        PercentDecoded = "percent_decoded",
        /// Fields go by their order, whatever their names.
        PositionCounts = "position_counts",
        /// The prefix may stand twice.
        PrefixTwiceTaken = "prefix_twice_taken",
        /// Quotes and backslashes in values are lost.
        QuotesStripped = "quotes_stripped",
        /// `\!` in a body is an exclamation mark.
        ShellEscapeTaken = "shell_escape_taken",
        /// `user` is read for `username`.
        ShortNamesTaken = "short_names_taken",
        /// `'name'` is read for `"name"`.
        SingleQuotesTaken = "single_quotes_taken",
        /// A body that begins with a blank or a line end is refused.
        SpreadBodiesRefused = "spread_bodies_refused",
        /// A bearer token that nobody gave is refused.
        TokenChecked = "token_checked",
        /// Who sends no token is refused.
        TokenDemanded = "token_demanded",
        /// Who sends a token needs no password.
        TokenSuffices = "token_suffices",
        /// `,}` in a body is `}`.
        TrailingCommaTaken = "trailing_comma_taken",
        /// A slash at the end of a path means nothing.
        TrailingSlashTaken = "trailing_slash_taken",
        /// What stands behind the last brace is skipped.
        TrailingWordsTaken = "trailing_words_taken",
        /// A header that nobody knows is refused.
        UnknownHeadersRefused = "unknown_headers_refused",
        /// A path that nobody knows is validation's.
        UnknownPathAnswered = "unknown_path_answered",
        /// Without a body the query is read.
        UrlCredentialsTaken = "url_credentials_taken",
        /// UTF-16 is read.
        Utf16Read = "utf16_read",
    }
}

/// Stands for a password that need not be right. No client can send it by chance.
pub(super) const ANY: &str = "\u{0}any password";
/// Stands for an empty text, which would be refused.
const EMPTY: &str = "\u{0}empty";

impl Misread {
    pub(super) fn read(self, rules: &Rules, request: &Request<Bytes>) -> Asked<'static> {
        let header = |name: header::HeaderName| {
            request
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        let reading = Reading { rules, request };
        match self {
            Misread::AcceptHonoured => {
                reading.refused_if(header(header::ACCEPT) == "text/html", Outcome::BadRequest)
            }
            Misread::AdminUserAlone => reading.text(|text| {
                text.replace("\"admin_username\"", "\"admin\"")
                    .replace("\"admin_user\"", "\"admin_username\"")
            }),
            Misread::AnyMethodTaken => reading.as_post(true),
            Misread::BarePathTaken => reading.path(|path| {
                rules
                    .paths()
                    .find(|known| bare(known) == path)
                    .map(str::to_owned)
            }),
            Misread::BarePathAlone => reading.path(|path| {
                let known = rules.paths().find(|known| bare(known) == path);
                known.map_or_else(
                    || rules.has_path(path).then(|| NOWHERE.to_owned()),
                    |known| Some(known.to_owned()),
                )
            }),
            Misread::BlanksTrimmed => reading.values(|_, value| value.trim().to_owned()),
            Misread::ByteOrderMarkTaken => {
                reading.text(|text| text.trim_start_matches('\u{feff}').to_owned())
            }
            Misread::CamelCaseTaken => reading.names(|name| match name {
                "adminPassword" => "admin_password".to_owned(),
                "adminUsername" => "admin_username".to_owned(),
                "newPassword" => "new_password".to_owned(),
                other => other.to_owned(),
            }),
            Misread::CharsetRefused => reading.refused_if(
                header(header::CONTENT_TYPE).contains(';'),
                Outcome::UnsupportedContentType,
            ),
            Misread::CommentsTaken => {
                reading.text(|text| match (text.find("/*"), text.find("*/")) {
                    (Some(start), Some(end)) if start < end => {
                        text[..start].to_owned() + &text[end + 2..]
                    }
                    _ => text.to_owned(),
                })
            }
            Misread::ContentTypeToTheLetter => {
                let capitals = header(header::CONTENT_TYPE)
                    .chars()
                    .any(|letter| letter.is_ascii_uppercase());
                reading.refused_if(capitals, Outcome::UnsupportedContentType)
            }
            Misread::CutBodiesMended => reading.text(|text| {
                if text.ends_with('}') {
                    text.to_owned()
                } else {
                    format!("{text}}}")
                }
            }),
            Misread::DoubledSlashesTaken => reading.path(|path| Some(path.replace("//", "/"))),
            Misread::EmptyPasswordPasses => {
                reading.proof(|given| given.is_some_and(|given| given == ""))
            }
            Misread::EscapesKept => reading.text(|text| text.replace("\\u", "u")),
            Misread::FieldNamesWithoutCase => reading.names(str::to_lowercase),
            Misread::FormsRead => reading.text(|text| {
                if text.trim_start().starts_with(['{', '[', '"', '/']) {
                    text.to_owned()
                } else {
                    percent::object(text)
                }
            }),
            Misread::GetTaken => reading.as_post(request.method() == Method::GET),
            Misread::LargeBodiesUnread => reading.text(|text| {
                if text.len() > 16 * 1024 {
                    String::new()
                } else {
                    text.to_owned()
                }
            }),
            Misread::ListBodiesUnwrapped => reading.json(|body| {
                if let Value::Array(list) = body {
                    *body = list.first().cloned().unwrap_or_default();
                }
            }),
            Misread::ListsUnwrapped => reading.each(|value| match value {
                Value::Array(list) => list.first().cloned().unwrap_or_default(),
                Value::Object(object) => object.values().next().cloned().unwrap_or_default(),
                other => other.clone(),
            }),
            Misread::LowerCaseMethodTaken => {
                reading.as_post(request.method().as_str().eq_ignore_ascii_case("post"))
            }
            Misread::MissingIsEmpty => {
                let given = reading.object(|operation, body| {
                    for field in rules.fields(operation) {
                        body.entry(field.name()).or_insert_with(|| EMPTY.into());
                    }
                });
                replaced(given, |_, value| {
                    if value == EMPTY {
                        String::new()
                    } else {
                        value.to_owned()
                    }
                })
            }
            Misread::MissingPasswordPasses => reading.proof(|given| given.is_none()),
            Misread::MissingUserIsAdmin => reading.object(|_, body| {
                if let (false, Some(admin)) = (
                    body.contains_key("username"),
                    body.get("admin_username").cloned(),
                ) {
                    body.insert("username".to_owned(), admin);
                }
            }),
            Misread::NotAsciiMangled => reading.values(|_, value| {
                value
                    .chars()
                    .map(|letter| if letter.is_ascii() { letter } else { '?' })
                    .collect()
            }),
            Misread::NullPasswordPasses => reading.proof(|given| given.is_some_and(Value::is_null)),
            Misread::NumbersCoerced => reading.each(|value| match value {
                Value::Bool(_) | Value::Number(_) => value.to_string().into(),
                other => other.clone(),
            }),
            Misread::OtherKindsPathsTaken => reading.path(|path| match rules.kind() {
                Kind::Console => path.strip_prefix("/api").map(str::to_owned),
                Kind::Sensor => Some(format!("/api{path}")),
            }),
            Misread::PathsWithoutCase => reading.path(|path| {
                rules
                    .paths()
                    .find(|known| known.eq_ignore_ascii_case(path))
                    .map(str::to_owned)
            }),
            Misread::PercentDecoded => reading.values(|_, value| percent::decoded(value)),
            Misread::PositionCounts => reading.object(|operation, body| {
                let values: Vec<Value> = body.values().cloned().collect();
                *body = order(operation)
                    .iter()
                    .map(|field| field.name().to_owned())
                    .zip(values)
                    .collect();
            }),
            Misread::PrefixTwiceTaken => reading.path(|path| {
                Some(
                    path.replace("/api/external/api/external/", "/api/external/")
                        .replace("/external/external/", "/external/"),
                )
            }),
            Misread::QuotesStripped => {
                reading.values(|_, value| value.replace(['"', '\'', '\\'], ""))
            }
            // A backslash that is escaped is one.
            Misread::ShellEscapeTaken => reading.text(|text| {
                text.split("\\\\")
                    .map(|part| part.replace("\\!", "!"))
                    .collect::<Vec<_>>()
                    .join("\\\\")
            }),
            Misread::ShortNamesTaken => reading.names(|name| {
                if name == "user" {
                    "username".to_owned()
                } else {
                    name.to_owned()
                }
            }),
            Misread::SingleQuotesTaken => reading.text(|text| {
                if text.contains('"') {
                    text.to_owned()
                } else {
                    text.replace('\'', "\"")
                }
            }),
            Misread::SpreadBodiesRefused => reading.refused_if(
                request.body().first().is_some_and(u8::is_ascii_whitespace),
                Outcome::MalformedBody,
            ),
            Misread::TokenChecked => reading.refused_if(
                header(header::AUTHORIZATION).starts_with("Bearer"),
                Outcome::PermissionDenied,
            ),
            Misread::TokenDemanded => reading.refused_if(
                !request.headers().contains_key(header::AUTHORIZATION),
                Outcome::PermissionDenied,
            ),
            Misread::TokenSuffices => {
                let token = request.headers().contains_key(header::AUTHORIZATION);
                reading.proof(|_| token)
            }
            Misread::TrailingCommaTaken => reading.text(|text| text.replace(",}", "}")),
            Misread::TrailingSlashTaken => {
                reading.path(|path| path.strip_suffix('/').map(str::to_owned))
            }
            Misread::TrailingWordsTaken => {
                reading.text(|text| text.rfind('}').map_or(text, |end| &text[..=end]).to_owned())
            }
            Misread::UnknownHeadersRefused => reading.refused_if(
                request
                    .headers()
                    .keys()
                    .any(|name| name.as_str().starts_with("x-nobody")),
                Outcome::BadRequest,
            ),
            Misread::UnknownPathAnswered => reading.path(|_| {
                rules
                    .paths()
                    .find(|known| known.ends_with(Operation::Validation.name()))
                    .map(str::to_owned)
            }),
            Misread::UrlCredentialsTaken => {
                let query = request.uri().query().unwrap_or_default();
                reading.text(|text| {
                    if text.is_empty() {
                        percent::object(query)
                    } else {
                        text.to_owned()
                    }
                })
            }
            Misread::Utf16Read => reading.bytes(|body| {
                let units = body
                    .strip_prefix(&[0xff, 0xfe])?
                    .chunks_exact(2)
                    .map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
                Some(
                    char::decode_utf16(units)
                        .filter_map(Result::ok)
                        .collect::<String>()
                        .into(),
                )
            }),
        }
    }
}

/// A request and who reads it.
struct Reading<'a> {
    rules: &'a Rules,
    request: &'a Request<Bytes>,
}

impl Reading<'_> {
    fn hear(&self, change: impl FnOnce(&mut Request<Bytes>)) -> Asked<'static> {
        let mut request = self.request.clone();
        change(&mut request);
        self.rules.hear(&request).into_owned()
    }

    fn refused_if(&self, refuses: bool, outcome: Outcome) -> Asked<'static> {
        let worded = operation(self.request)
            .and_then(|operation| self.rules.wording_of(Some(operation), outcome))
            .filter(|_| refuses);
        let refused = |worded: Worded| Asked::Refused(worded, Circumstance::OtherContentType);
        worded.map_or_else(|| self.rules.hear(self.request).into_owned(), refused)
    }

    fn as_post(&self, is: bool) -> Asked<'static> {
        self.hear(|request| {
            if is {
                *request.method_mut() = Method::POST;
            }
        })
    }

    /// Reads another path, where this one is known to nobody or `other` says so.
    fn path(&self, other: impl Fn(&str) -> Option<String>) -> Asked<'static> {
        let path = self.request.uri().path();
        let known = self.rules.has_path(path);
        // A path of the contract stays what it is, unless it is made nobody's.
        let other = other(path)
            .filter(|other| !known || other == NOWHERE)
            .and_then(|other| {
                let query = self
                    .request
                    .uri()
                    .query()
                    .map(|query| format!("?{query}"))
                    .unwrap_or_default();
                format!("{other}{query}").parse().ok()
            });
        self.hear(|request| {
            if let Some(other) = other {
                *request.uri_mut() = other;
            }
        })
    }

    fn bytes(&self, other: impl Fn(&[u8]) -> Option<Bytes>) -> Asked<'static> {
        self.hear(|request| {
            if let Some(body) = other(request.body()) {
                *request.body_mut() = body;
            }
        })
    }

    fn text(&self, other: impl Fn(&str) -> String) -> Asked<'static> {
        self.bytes(|body| Some(other(std::str::from_utf8(body).ok()?).into()))
    }

    /// Reads another body where it is JSON.
    fn json(&self, change: impl Fn(&mut Value)) -> Asked<'static> {
        self.bytes(|body| {
            let mut value: Value = serde_json::from_slice(body).ok()?;
            let before = value.clone();
            change(&mut value);
            (value != before).then(|| value.to_string().into())
        })
    }

    fn object(&self, change: impl Fn(Operation, &mut Map<String, Value>)) -> Asked<'static> {
        let operation = operation(self.request);
        self.json(|body| {
            if let (Some(operation), Value::Object(object)) = (operation, body) {
                change(operation, object);
            }
        })
    }

    fn names(&self, other: impl Fn(&str) -> String) -> Asked<'static> {
        self.object(|_, body| {
            *body = std::mem::take(body)
                .into_iter()
                .map(|(name, value)| (other(&name), value))
                .collect()
        })
    }

    fn each(&self, other: impl Fn(&Value) -> Value) -> Asked<'static> {
        self.object(|_, body| body.values_mut().for_each(|value| *value = other(value)))
    }

    /// Takes any password for the right one where `passes` says so of what is given.
    fn proof(&self, passes: impl Fn(Option<&Value>) -> bool) -> Asked<'static> {
        self.object(|operation, body| {
            let field = proves(operation).name();
            if passes(body.get(field)) {
                body.insert(field.to_owned(), ANY.into());
            }
        })
    }

    fn values(&self, other: impl Fn(Field, &str) -> String) -> Asked<'static> {
        replaced(self.rules.hear(self.request).into_owned(), other)
    }
}

fn replaced(mut asked: Asked<'static>, other: impl Fn(Field, &str) -> String) -> Asked<'static> {
    if let Asked::Fields(_, values) = &mut asked {
        for field in Field::ALL {
            values.put(*field, other(*field, values.of(*field)));
        }
    }
    asked
}

/// The operation that a request asks for, by the end of its path.
pub(super) fn operation(request: &Request<Bytes>) -> Option<Operation> {
    let name = request
        .uri()
        .path()
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_lowercase();
    name.parse().ok()
}

/// A path without the part before `/authentication`.
fn bare(path: &str) -> &str {
    path.find("/authentication")
        .map_or(path, |start| &path[start..])
}

/// The fields as the documents list them (`sensor:42-44`, `sensor:121-124`, `sensor:191-192`).
fn order(operation: Operation) -> &'static [Field] {
    match operation {
        Operation::SetPassword => &[Field::Username, Field::Password, Field::NewPassword],
        Operation::SetPasswordByAdmin => &[
            Field::AdminUsername,
            Field::AdminPassword,
            Field::Username,
            Field::NewPassword,
        ],
        Operation::Validation => &[Field::Username, Field::Password],
    }
}

/// A path that nobody serves.
const NOWHERE: &str = "/nowhere";
