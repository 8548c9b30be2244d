//! Exit codes. If several apply, the worst one wins; each command says how.

/// All judged cases pass, or the command did what it was asked to.
pub const SUCCESS: u8 = 0;
/// A deviation, an inconsistency, a changed snapshot; documentation that does not match the contract.
pub const DEVIATION: u8 = 1;
/// Usage or configuration, also an address that cannot be bound.
pub const USAGE: u8 = 2;
/// The target cannot be reached, or TLS failed.
pub const UNREACHABLE: u8 = 3;
/// Nothing was judged.
pub const NOTHING_JUDGED: u8 = 4;
/// In CI: a case whose snapshot does not exist.
pub const NO_SNAPSHOT: u8 = 5;
/// Refused or stopped by a safety rule.
pub const SAFETY_RULE: u8 = 6;
/// A password could not be restored.
pub const UNRESTORED: u8 = 7;
/// An error inside this program.
pub const INTERNAL: u8 = 70;
/// Interrupted, and everything was restored.
pub const INTERRUPTED: u8 = 130;

/// Every code, the worst first.
const WORST_FIRST: [u8; 10] = [
    UNRESTORED,
    INTERNAL,
    SAFETY_RULE,
    INTERRUPTED,
    USAGE,
    DEVIATION,
    UNREACHABLE,
    NO_SNAPSHOT,
    NOTHING_JUDGED,
    SUCCESS,
];

/// Returns the worse of two codes.
pub fn worst(one: u8, other: u8) -> u8 {
    let is_either = |code: &u8| *code == one || *code == other;
    WORST_FIRST.into_iter().find(is_either).unwrap_or(one)
}

/// The codes, as `--help` shows them.
pub(super) const HELP: &str = "\
Exit codes: 0 all judged cases pass · 1 a deviation, an inconsistency, an unstable answer or a changed snapshot · \
2 usage or configuration · 3 target unreachable or TLS failed · 4 nothing was judged, or no change although --change-passwords-on is given · 5 in CI, a snapshot is missing · \
6 refused or stopped by a safety rule · 7 a password could not be restored: act now · 70 internal error · \
130 interrupted, everything restored";
