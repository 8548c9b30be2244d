//! Faults of reading: the request is rewritten before the mock parses it, or refused, or its values are changed afterwards.

use bytes::Bytes;
use d4iot_double::{
    appliance::{ParsedRequest, Rules},
    contract,
    contract::{Condition, Field, Kind, Operation, Outcome},
};
use http::{Method, Request, header};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{password_field, percent};

/// A fault of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestFault {
    /// A client that would rather read HTML is refused.
    AcceptHonoured,
    /// The administrator's name is read from `admin_user` and from nowhere else.
    AdminUserAlone,
    /// Every method is taken for POST.
    AnyMethodTaken,
    /// `/authentication/…` is served without any prefix.
    BarePathTaken,
    /// `/authentication/…` without any prefix is served, and nothing else.
    BarePathAlone,
    /// Blanks around values are lost.
    BlanksTrimmed,
    /// A byte order mark before the body is skipped.
    ByteOrderMarkTaken,
    /// `newPassword` is read for `new_password`.
    CamelCaseTaken,
    /// A content type with a parameter is refused.
    CharsetRefused,
    /// `/* … */` in a body is skipped.
    CommentsTaken,
    /// A content type in capitals is refused.
    ContentTypeToTheLetter,
    /// A body without its last brace is read as if it had one.
    CutBodiesMended,
    /// `//` in a path is `/`.
    DoubledSlashesTaken,
    /// An empty password is as good as the right one.
    EmptyPasswordPasses,
    /// `\u0041` in a body stays as it is.
    EscapesKept,
    /// Field names do not tell upper from lower case.
    FieldNamesWithoutCase,
    /// `name=value&…` is read like JSON.
    FormsRead,
    /// GET is taken for POST.
    GetTaken,
    /// Bodies over 16 KiB are not read.
    LargeBodiesUnread,
    /// A body that is a list is its first element.
    ListBodiesUnwrapped,
    /// A value that is a list or an object is its first element.
    ListsUnwrapped,
    /// `post` is POST.
    LowerCaseMethodTaken,
    /// A field that is missing is an empty text.
    MissingIsEmpty,
    /// Who sends no password need not know it.
    MissingPasswordPasses,
    /// Who names no user means the administrator.
    MissingUserIsAdmin,
    /// Characters beyond ASCII are question marks.
    NotAsciiMangled,
    /// A password that is null is as good as the right one.
    NullPasswordPasses,
    /// Numbers and booleans are read as texts.
    NumbersCoerced,
    /// The paths of the other kind of appliance are served too.
    OtherKindsPathsTaken,
    /// Paths do not tell upper from lower case.
    PathsWithoutCase,
    /// `%41` and `+` in values are decoded.
    PercentDecoded,
    /// Fields go by their order, whatever their names.
    PositionCounts,
    /// The prefix may stand twice.
    PrefixTwiceTaken,
    /// Quotes and backslashes in values are lost.
    QuotesStripped,
    /// `\!` in a body is an exclamation mark.
    ShellEscapeTaken,
    /// `user` is read for `username`.
    ShortNamesTaken,
    /// `'name'` is read for `"name"`.
    SingleQuotesTaken,
    /// A body that begins with a blank or a line end is refused.
    SpreadBodiesRefused,
    /// A bearer token that nobody gave is refused.
    TokenChecked,
    /// Who sends no token is refused.
    TokenDemanded,
    /// Who sends a token needs no password.
    TokenSuffices,
    /// `,}` in a body is `}`.
    TrailingCommaTaken,
    /// A slash at the end of a path means nothing.
    TrailingSlashTaken,
    /// What stands behind the last brace is skipped.
    TrailingWordsTaken,
    /// A header that nobody knows is refused.
    UnknownHeadersRefused,
    /// A path that nobody knows is validation's.
    UnknownPathAnswered,
    /// Without a body the query is read.
    UrlCredentialsTaken,
    /// UTF-16 is read.
    Utf16Read,
}

/// A request as the fault reads it.
pub(super) struct Rewrite {
    /// The request that the mock parses.
    pub(super) request: Request<Bytes>,
    /// The refusal in place of parsing.
    pub(super) refusal: Option<ParsedRequest<'static>>,
    /// What becomes of each value afterwards.
    pub(super) map_value: Option<fn(&str) -> String>,
}

/// The mark of a password that is never compared. No client sends it by chance.
pub(super) const ANY_PASSWORD: &str = "\u{0}any password";
/// The mark of an empty text, which would be refused.
const EMPTY: &str = "\u{0}empty";

impl RequestFault {
    pub(super) fn rewrite(self, rules: &Rules, request: &Request<Bytes>) -> Rewrite {
        let header = |name: header::HeaderName| {
            request
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        let reading = Reading { rules, request };
        match self {
            RequestFault::AcceptHonoured => {
                reading.refused_if(header(header::ACCEPT) == "text/html", Outcome::BadRequest)
            }
            RequestFault::AdminUserAlone => reading.text(|text| {
                text.replace("\"admin_username\"", "\"admin\"")
                    .replace("\"admin_user\"", "\"admin_username\"")
            }),
            RequestFault::AnyMethodTaken => reading.as_post(true),
            RequestFault::BarePathTaken => reading.path(|path| {
                paths(rules)
                    .find(|known| bare(known) == path)
                    .map(str::to_owned)
            }),
            RequestFault::BarePathAlone => reading.path(|path| {
                let known = paths(rules).find(|known| bare(known) == path);
                known.map_or_else(
                    || {
                        rules
                            .operation_at(path)
                            .is_some()
                            .then(|| NOWHERE.to_owned())
                    },
                    |known| Some(known.to_owned()),
                )
            }),
            RequestFault::BlanksTrimmed => reading.values(|value| value.trim().to_owned()),
            RequestFault::ByteOrderMarkTaken => {
                reading.text(|text| text.trim_start_matches('\u{feff}').to_owned())
            }
            RequestFault::CamelCaseTaken => reading.names(|name| match name {
                "adminPassword" => "admin_password".to_owned(),
                "adminUsername" => "admin_username".to_owned(),
                "newPassword" => "new_password".to_owned(),
                other => other.to_owned(),
            }),
            RequestFault::CharsetRefused => reading.refused_if(
                header(header::CONTENT_TYPE).contains(';'),
                Outcome::UnsupportedContentType,
            ),
            RequestFault::CommentsTaken => {
                reading.text(|text| match (text.find("/*"), text.find("*/")) {
                    (Some(start), Some(end)) if start < end => {
                        text[..start].to_owned() + &text[end + 2..]
                    }
                    _ => text.to_owned(),
                })
            }
            RequestFault::ContentTypeToTheLetter => {
                let capitals = header(header::CONTENT_TYPE)
                    .chars()
                    .any(|letter| letter.is_ascii_uppercase());
                reading.refused_if(capitals, Outcome::UnsupportedContentType)
            }
            RequestFault::CutBodiesMended => reading.text(|text| {
                if text.trim_end().ends_with('}') {
                    text.to_owned()
                } else {
                    format!("{text}}}")
                }
            }),
            RequestFault::DoubledSlashesTaken => reading.path(|path| Some(path.replace("//", "/"))),
            RequestFault::EmptyPasswordPasses => {
                reading.proof(|given| given.is_some_and(|given| given == ""))
            }
            RequestFault::EscapesKept => reading.text(|text| text.replace("\\u", "u")),
            RequestFault::FieldNamesWithoutCase => reading.names(str::to_lowercase),
            RequestFault::FormsRead => reading.text(|text| {
                if text.trim_start().starts_with(['{', '[', '"', '/']) {
                    text.to_owned()
                } else {
                    percent::object(text)
                }
            }),
            RequestFault::GetTaken => reading.as_post(request.method() == Method::GET),
            RequestFault::LargeBodiesUnread => reading.text(|text| {
                if text.len() > 16 * 1024 {
                    String::new()
                } else {
                    text.to_owned()
                }
            }),
            RequestFault::ListBodiesUnwrapped => reading.json(|body| {
                if let Value::Array(list) = body {
                    *body = list.first().cloned().unwrap_or_default();
                }
            }),
            RequestFault::ListsUnwrapped => reading.each(|value| match value {
                Value::Array(list) => list.first().cloned().unwrap_or_default(),
                Value::Object(object) => object.values().next().cloned().unwrap_or_default(),
                other => other.clone(),
            }),
            RequestFault::LowerCaseMethodTaken => {
                reading.as_post(request.method().as_str().eq_ignore_ascii_case("post"))
            }
            RequestFault::MissingIsEmpty => {
                let mut rewrite = reading.object(|operation, body| {
                    for field in contract::of(rules.kind()).clause(operation).fields.keys() {
                        body.entry(field.name()).or_insert_with(|| EMPTY.into());
                    }
                });
                rewrite.map_value = Some(|value| value.replace(EMPTY, ""));
                rewrite
            }
            RequestFault::MissingPasswordPasses => reading.proof(|given| given.is_none()),
            RequestFault::MissingUserIsAdmin => reading.object(|_, body| {
                if let (false, Some(admin)) = (
                    body.contains_key("username"),
                    body.get("admin_username").cloned(),
                ) {
                    body.insert("username".to_owned(), admin);
                }
            }),
            RequestFault::NotAsciiMangled => reading.values(|value| {
                value
                    .chars()
                    .map(|letter| if letter.is_ascii() { letter } else { '?' })
                    .collect()
            }),
            RequestFault::NullPasswordPasses => {
                reading.proof(|given| given.is_some_and(Value::is_null))
            }
            RequestFault::NumbersCoerced => reading.each(|value| match value {
                Value::Bool(_) | Value::Number(_) => value.to_string().into(),
                other => other.clone(),
            }),
            RequestFault::OtherKindsPathsTaken => reading.path(|path| match rules.kind() {
                Kind::Console => path.strip_prefix("/api").map(str::to_owned),
                _ => Some(format!("/api{path}")),
            }),
            RequestFault::PathsWithoutCase => reading.path(|path| {
                paths(rules)
                    .find(|known| known.eq_ignore_ascii_case(path))
                    .map(str::to_owned)
            }),
            RequestFault::PercentDecoded => reading.values(percent::decoded),
            RequestFault::PositionCounts => reading.object(|operation, body| {
                let values: Vec<Value> = body.values().cloned().collect();
                *body = order(operation)
                    .iter()
                    .map(|field| field.name().to_owned())
                    .zip(values)
                    .collect();
            }),
            RequestFault::PrefixTwiceTaken => reading.path(|path| {
                Some(
                    path.replace("/api/external/api/external/", "/api/external/")
                        .replace("/external/external/", "/external/"),
                )
            }),
            RequestFault::QuotesStripped => {
                reading.values(|value| value.replace(['"', '\'', '\\'], ""))
            }
            // A backslash that is escaped is one.
            RequestFault::ShellEscapeTaken => reading.text(|text| {
                text.split("\\\\")
                    .map(|part| part.replace("\\!", "!"))
                    .collect::<Vec<_>>()
                    .join("\\\\")
            }),
            RequestFault::ShortNamesTaken => reading.names(|name| {
                if name == "user" {
                    "username".to_owned()
                } else {
                    name.to_owned()
                }
            }),
            RequestFault::SingleQuotesTaken => reading.text(|text| {
                if text.contains('"') {
                    text.to_owned()
                } else {
                    text.replace('\'', "\"")
                }
            }),
            RequestFault::SpreadBodiesRefused => reading.refused_if(
                request.body().first().is_some_and(u8::is_ascii_whitespace),
                Outcome::MalformedBody,
            ),
            RequestFault::TokenChecked => reading.refused_if(
                header(header::AUTHORIZATION).starts_with("Bearer"),
                Outcome::PermissionDenied,
            ),
            RequestFault::TokenDemanded => reading.refused_if(
                !request.headers().contains_key(header::AUTHORIZATION),
                Outcome::PermissionDenied,
            ),
            RequestFault::TokenSuffices => {
                let token = request.headers().contains_key(header::AUTHORIZATION);
                reading.proof(|_| token)
            }
            RequestFault::TrailingCommaTaken => reading.text(|text| text.replace(",}", "}")),
            RequestFault::TrailingSlashTaken => {
                reading.path(|path| path.strip_suffix('/').map(str::to_owned))
            }
            RequestFault::TrailingWordsTaken => {
                reading.text(|text| text.rfind('}').map_or(text, |end| &text[..=end]).to_owned())
            }
            RequestFault::UnknownHeadersRefused => reading.refused_if(
                request
                    .headers()
                    .keys()
                    .any(|name| name.as_str().starts_with("x-nobody")),
                Outcome::BadRequest,
            ),
            RequestFault::UnknownPathAnswered => reading.path(|_| {
                paths(rules)
                    .find(|known| known.ends_with(Operation::Validation.name()))
                    .map(str::to_owned)
            }),
            RequestFault::UrlCredentialsTaken => {
                let query = request.uri().query().unwrap_or_default();
                reading.text(|text| {
                    if text.is_empty() {
                        percent::object(query)
                    } else {
                        text.to_owned()
                    }
                })
            }
            RequestFault::Utf16Read => reading.bytes(|body| {
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
    fn with(&self, change: impl FnOnce(&mut Request<Bytes>)) -> Rewrite {
        let mut request = self.request.clone();
        change(&mut request);
        Rewrite {
            request,
            refusal: None,
            map_value: None,
        }
    }

    fn refused_if(&self, refuses: bool, outcome: Outcome) -> Rewrite {
        let key = operation(self.request)
            .and_then(|operation| self.rules.response_key(Some(operation), outcome))
            .filter(|_| refuses);
        Rewrite {
            refusal: key.map(|key| ParsedRequest::Rejected(key, Condition::OtherContentType)),
            ..self.with(|_| ())
        }
    }

    fn as_post(&self, is: bool) -> Rewrite {
        self.with(|request| {
            if is {
                *request.method_mut() = Method::POST;
            }
        })
    }

    /// Reads another path, where this one is known to nobody or `other` says so.
    fn path(&self, other: impl Fn(&str) -> Option<String>) -> Rewrite {
        let path = self.request.uri().path();
        let known = self.rules.operation_at(path).is_some();
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
        self.with(|request| {
            if let Some(other) = other {
                *request.uri_mut() = other;
            }
        })
    }

    fn bytes(&self, other: impl Fn(&[u8]) -> Option<Bytes>) -> Rewrite {
        self.with(|request| {
            if let Some(body) = other(request.body()) {
                *request.body_mut() = body;
            }
        })
    }

    fn text(&self, other: impl Fn(&str) -> String) -> Rewrite {
        self.bytes(|body| Some(other(std::str::from_utf8(body).ok()?).into()))
    }

    /// Reads another body where it is JSON.
    fn json(&self, change: impl Fn(&mut Value)) -> Rewrite {
        self.bytes(|body| {
            let mut value: Value = serde_json::from_slice(body).ok()?;
            let before = value.clone();
            change(&mut value);
            (value != before).then(|| value.to_string().into())
        })
    }

    fn object(&self, change: impl Fn(Operation, &mut Map<String, Value>)) -> Rewrite {
        let operation = operation(self.request);
        self.json(|body| {
            if let (Some(operation), Value::Object(object)) = (operation, body) {
                change(operation, object);
            }
        })
    }

    fn names(&self, other: impl Fn(&str) -> String) -> Rewrite {
        self.object(|_, body| {
            *body = std::mem::take(body)
                .into_iter()
                .map(|(name, value)| (other(&name), value))
                .collect()
        })
    }

    fn each(&self, other: impl Fn(&Value) -> Value) -> Rewrite {
        self.object(|_, body| body.values_mut().for_each(|value| *value = other(value)))
    }

    /// Takes any password for the right one where `passes` says so of what is given.
    fn proof(&self, passes: impl Fn(Option<&Value>) -> bool) -> Rewrite {
        self.object(|operation, body| {
            let field = password_field(operation).name();
            if passes(body.get(field)) {
                body.insert(field.to_owned(), ANY_PASSWORD.into());
            }
        })
    }

    fn values(&self, map_value: fn(&str) -> String) -> Rewrite {
        Rewrite {
            map_value: Some(map_value),
            ..self.with(|_| ())
        }
    }
}

/// Parses what is left of a request, as the fault has it.
pub(super) fn parse<'a>(rules: &Rules, rewrite: &'a Rewrite) -> ParsedRequest<'a> {
    let mut parsed = rules.parse_request(&rewrite.request);
    if let (ParsedRequest::Fields(_, values), Some(map_value)) = (&mut parsed, rewrite.map_value) {
        for field in Field::ALL {
            values.set(*field, map_value(values.get(*field)));
        }
    }
    parsed
}

/// The paths of the mock, which serves the default readings.
fn paths(rules: &Rules) -> impl Iterator<Item = &'static str> {
    let contract = contract::of(rules.kind());
    Operation::ALL.iter().flat_map(|operation| {
        let paths = &contract.clause(*operation).path.pick(None).is.0;
        paths.iter().map(String::as_str)
    })
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
        _ => &[Field::Username, Field::Password],
    }
}

/// A path that nobody serves.
const NOWHERE: &str = "/nowhere";
