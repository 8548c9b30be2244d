//! The closed sets: kinds, operations, outcomes, conditions, checks, roles.
//!
//! Each is an enum with one name per variant, the same in YAML, on the command line and in reports.

use std::fmt;

use serde::Deserialize;

use crate::contract::nearest;

/// An enum with one name for each of its members.
pub trait ClosedSet: Copy + Sized + 'static {
    /// What a member is called in messages.
    const NOUN: &'static str;
    /// Every member, in order.
    const ALL: &'static [Self];
    /// The names, in the same order.
    const NAMES: &'static [&'static str];

    /// Returns the name used in files, on the command line and in reports.
    fn name(self) -> &'static str;

    /// Returns the member of a name.
    fn named(name: &str) -> Option<Self> {
        let index = Self::NAMES.iter().position(|known| *known == name)?;
        Some(Self::ALL[index])
    }
}

/// A name that a closed set does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {noun} `{name}`, expected one of {}{}", expected.join(", "), nearest(name, expected.iter().copied()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
pub struct UnknownName {
    noun: &'static str,
    name: String,
    expected: &'static [&'static str],
}

impl UnknownName {
    pub(crate) fn of<T: ClosedSet>(name: &str) -> UnknownName {
        UnknownName {
            noun: T::NOUN,
            name: name.to_owned(),
            expected: T::NAMES,
        }
    }
}

/// Declares a closed set: the enum, its names, and its parsing.
macro_rules! closed_set {
    ($(#[$doc:meta])* $set:ident, $noun:literal { $($(#[$variant_doc:meta])* $variant:ident = $name:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[allow(unreachable_pub, reason = "a set may be private")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
        pub enum $set { $($(#[$variant_doc])* #[serde(rename = $name)] $variant),+ }

        #[allow(unreachable_pub, reason = "a set may be private")]
        impl $set {
            /// Every member, in order.
            pub const ALL: &'static [$set] = &[$($set::$variant),+];
            /// Every member's name, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// Returns the name used in files, on the command line and in reports.
            pub const fn name(self) -> &'static str {
                match self { $($set::$variant => $name),+ }
            }
        }

        impl $crate::contract::ClosedSet for $set {
            const NOUN: &'static str = $noun;
            const ALL: &'static [$set] = $set::ALL;
            const NAMES: &'static [&'static str] = $set::NAMES;

            fn name(self) -> &'static str {
                $set::name(self)
            }
        }

        impl std::fmt::Display for $set {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.pad(self.name())
            }
        }

        impl std::str::FromStr for $set {
            type Err = $crate::contract::UnknownName;

            fn from_str(text: &str) -> Result<$set, Self::Err> {
                $crate::contract::ClosedSet::named(text)
                    .ok_or_else(|| $crate::contract::UnknownName::of::<$set>(text))
            }
        }

        impl<'de> serde::Deserialize<'de> for $set {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$set, D::Error> {
                <String as serde::Deserialize>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use closed_set;

closed_set! {
    /// A kind of appliance.
    #[non_exhaustive]
    #[derive(Default)]
    Kind, "kind" {
        /// The on-premises management console.
        Console = "console",
        /// The OT monitoring sensor.
        #[default]
        Sensor = "sensor",
    }
}

closed_set! {
    /// An operation of the authentication API, in the documents' order.
    #[non_exhaustive]
    Operation, "operation" {
        /// A user changes the own password (`sensor:12`, `console:17`).
        SetPassword = "set_password",
        /// An administrator changes a user's password (`sensor:90`, `console:103`).
        SetPasswordByAdmin = "set_password_by_admin",
        /// Returns whether a name and a password belong together (`sensor:173`, `console:195`).
        Validation = "validation",
    }
}

closed_set! {
    /// What a request came to. The first seven are the documents'; the others are assumed.
    #[non_exhaustive]
    Outcome, "outcome" {
        /// The credentials are right (`sensor:212`).
        Authenticated = "authenticated",
        /// The credentials are wrong, said by `validation` (`sensor:213`).
        CredentialsRejected = "credentials_rejected",
        /// The password was changed (`sensor:55`).
        PasswordReplaced = "password_replaced",
        /// The credentials are wrong, said where a password is to be changed (`sensor:56`).
        AuthenticationFailed = "authentication_failed",
        /// The new password breaks the policy (`sensor:57`).
        PolicyRefused = "policy_refused",
        /// The user whose password is to be changed is not known (`sensor:136`).
        UserUnknown = "user_unknown",
        /// The acting user may not change passwords (`sensor:138`).
        PermissionDenied = "permission_denied",
        /// The request breaks a rule of HTTP that a server must enforce. Assumed.
        BadRequest = "bad_request",
        /// The body exceeds what the appliance reads. Assumed.
        BodyTooLarge = "body_too_large",
        /// The head exceeds what the appliance reads. Assumed.
        HeadTooLarge = "head_too_large",
        /// Too many failures: no sign-in is taken for a time. Assumed.
        LockedOut = "locked_out",
        /// The body cannot be read as the JSON it should be. Assumed.
        MalformedBody = "malformed_body",
        /// The path is an operation's, the method is not. Assumed.
        MethodNotAllowed = "method_not_allowed",
        /// A required field is absent or empty. Assumed.
        MissingField = "missing_field",
        /// The body did not arrive in time. Assumed.
        RequestTimeout = "request_timeout",
        /// No operation has this path. Assumed.
        UnknownPath = "unknown_path",
        /// The content type is not one the operation reads. Assumed.
        UnsupportedContentType = "unsupported_content_type",
        /// A field has a value that is not a string. Assumed.
        WrongType = "wrong_type",
    }
}

closed_set! {
    /// A condition no document describes, for which the contract says what happens.
    Condition, "condition" {
        /// An administrator changes another administrator's password.
        AdminTarget = "admin_target",
        /// A value has blanks around it.
        BlanksAround = "blanks_around",
        /// The body exceeds 64 KiB.
        BodyTooLarge = "body_too_large",
        /// The user's password is kept in a directory elsewhere.
        DirectoryUser = "directory_user",
        /// The user is disabled.
        DisabledUser = "disabled_user",
        /// A field stands in the body twice.
        DuplicateField = "duplicate_field",
        /// The body is empty.
        EmptyBody = "empty_body",
        /// A required field is an empty string.
        EmptyValue = "empty_value",
        /// The body has the escape `\!` of the documents' examples, which JSON does not have.
        ExampleEscape = "example_escape",
        /// JSON sent as `application/x-www-form-urlencoded`, as curl does by default.
        FormContentType = "form_content_type",
        /// The user whose password an administrator changes is locked, disabled or due to change it.
        InactiveTarget = "inactive_target",
        /// The body exceeds 16 KiB, and not 64 KiB.
        LargeBody = "large_body",
        /// Too many failures came from here.
        LockedSource = "locked_source",
        /// An administrator changed the password of a user who was locked out.
        LockedTarget = "locked_target",
        /// The user is locked.
        LockedUser = "locked_user",
        /// A password differs from the right one only beyond its 32nd byte.
        LongPassword = "long_password",
        /// The body is not JSON.
        MalformedBody = "malformed_body",
        /// A required field is absent.
        MissingField = "missing_field",
        /// The user must change the password first.
        MustChangeUser = "must_change_user",
        /// The request names no content type.
        NoContentType = "no_content_type",
        /// The client does not accept JSON.
        NotAcceptable = "not_acceptable",
        /// The body is JSON, but not an object.
        NotAnObject = "not_an_object",
        /// The body is not UTF-8.
        NotUtf8 = "not_utf8",
        /// A required field is null.
        NullValue = "null_value",
        /// The content type is neither JSON nor the form's.
        OtherContentType = "other_content_type",
        /// The path is an operation's, the method is not POST.
        OtherMethod = "other_method",
        /// A sign-in failed shortly before.
        RecentFailure = "recent_failure",
        /// Between failed sign-ins, one with the right password was refused for another reason.
        RefusedRequest = "refused_request",
        /// The new password is the old one.
        SamePassword = "same_password",
        /// The body of a change by an administrator has the fields of `set_password`.
        SetPasswordBody = "set_password_body",
        /// A name has characters that pages, shells or databases treat in their own way.
        SpecialCharacters = "special_characters",
        /// The body holds a field the operation does not have.
        UnknownField = "unknown_field",
        /// The failed sign-ins were of names that no user has.
        UnknownNames = "unknown_names",
        /// No operation has the path.
        UnknownPath = "unknown_path",
        /// The credentials stand in the URL's query and not in the body.
        UrlCredentials = "url_credentials",
        /// The user name is written in another letter case.
        UsernameCase = "username_case",
        /// The new password is one that every published policy refuses.
        WeakPassword = "weak_password",
        /// A field is a number, a list or another non-string.
        WrongType = "wrong_type",
    }
}

closed_set! {
    /// A check of an operation, in the order of the documents' lists (`sensor:135-138`).
    Check, "check" {
        /// Who is asking.
        Authentication = "authentication",
        /// Does the user to be changed exist.
        User = "user",
        /// Is the new password good enough.
        Policy = "policy",
        /// May the asker change passwords.
        Permission = "permission",
    }
}

closed_set! {
    /// A user's role.
    #[non_exhaustive]
    Role, "role" {
        /// May change other users' passwords.
        Admin = "admin",
        /// May look.
        ReadOnly = "read_only",
        /// May look and handle alerts.
        SecurityAnalyst = "security_analyst",
    }
}

closed_set! {
    /// A field of a request's body.
    Field, "field" {
        /// The acting administrator's password (`sensor:122`).
        AdminPassword = "admin_password",
        /// The acting administrator's name (`sensor:121`).
        AdminUsername = "admin_username",
        /// The password that shall hold (`sensor:44`).
        NewPassword = "new_password",
        /// The password that holds (`sensor:43`).
        Password = "password",
        /// The name of the user the request is about (`sensor:42`).
        Username = "username",
    }
}

impl Condition {
    /// Returns whether a request in this condition is one of those that the documents describe, so that it gets one of their answers:
    /// which one is not documented.
    pub fn is_closed(self) -> bool {
        use Condition::{AdminTarget, SamePassword, UsernameCase, WeakPassword};
        matches!(
            self,
            AdminTarget | SamePassword | UsernameCase | WeakPassword
        )
    }

    /// Returns whether a required field has no value: whatever is answered, it cannot be a success.
    pub fn forbids_success(self) -> bool {
        use Condition::{EmptyBody, EmptyValue, MissingField, NullValue, SetPasswordBody};
        matches!(
            self,
            EmptyBody | EmptyValue | MissingField | NullValue | SetPasswordBody
        )
    }
}

impl Operation {
    /// Returns what wrong credentials get at this operation (`sensor:56`, `sensor:135`, `sensor:213`).
    pub fn rejection(self) -> Outcome {
        match self {
            Operation::SetPassword | Operation::SetPasswordByAdmin => Outcome::AuthenticationFailed,
            Operation::Validation => Outcome::CredentialsRejected,
        }
    }

    /// Returns whether it sets a password.
    pub fn is_change(self) -> bool {
        match self {
            Operation::SetPassword | Operation::SetPasswordByAdmin => true,
            Operation::Validation => false,
        }
    }
}

impl Outcome {
    /// Returns whether it says that what was asked is done or holds.
    pub fn is_success(self) -> bool {
        matches!(self, Outcome::Authenticated | Outcome::PasswordReplaced)
    }

    /// Returns the operation that answers so: none where the request never gets as far as one. Assumed.
    pub fn at(self, operation: Operation) -> Option<Operation> {
        match self {
            Outcome::BadRequest
            | Outcome::HeadTooLarge
            | Outcome::RequestTimeout
            | Outcome::UnknownPath => None,
            _ => Some(operation),
        }
    }
}

/// What happens to a request in some condition.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Handling {
    /// The first of two values counts; the request goes on.
    First,
    /// The last of two values counts; the request goes on.
    Last,
    /// It goes on as if nothing were wrong.
    Proceed,
    /// It gets what wrong credentials get at this operation.
    Reject,
    /// It gets this answer.
    #[serde(untagged)]
    Answer(Outcome),
}

impl fmt::Display for Handling {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Handling::First => "first",
            Handling::Last => "last",
            Handling::Proceed => "proceed",
            Handling::Reject => "reject",
            Handling::Answer(outcome) => outcome.name(),
        })
    }
}
