//! The faults of a page itself: examples that are not JSON, commands no shell takes, a sentence here that another line contradicts.

use serde_json::Value as Json;

use crate::contract::{
    Contract, Kind, Place, Quote, QuoteForm,
    fact::{Ground, ReadingEntry},
    places::{Finding, Page, edition::Now},
};

/// Returns the faults of a law's own page, by line: what its vendor could mend. The law holds all the same.
///
/// A fault whose line is another one in this edition is left out: it may have been mended.
pub fn lint(contract: &Contract, page: &Page<'_>) -> Vec<Finding> {
    let mut faults: Vec<Finding> = contract
        .facts()
        .iter()
        .flat_map(|fact| contradictions(contract.kind, &fact.name, &fact.readings))
        .collect();
    for (name, quote) in &contract.quotes {
        let Some(first) = quote.at.first().map(|place| place.first) else {
            continue;
        };
        let fault = |(line, expected, found): (u32, String, String)| Finding {
            document: contract.kind,
            line: first + line,
            subject: format!("quote {name}"),
            expected,
            found,
            moved: false,
        };
        let of_quote = match quote.form {
            QuoteForm::Command => command(contract, quote),
            QuoteForm::Example => body(contract, quote, &quote.text),
        };
        faults.extend(of_quote.into_iter().map(fault));
    }
    faults.retain_mut(|fault| match page.now(fault.line) {
        Now::Kept(line) => {
            fault.line = line;
            true
        }
        Now::Changed(_) | Now::Gone => false,
    });
    faults.sort_by_key(|fault| fault.line);
    faults
}

/// A fault's line, counted from the quote's first, what was expected and what was found.
type Fault = (u32, String, String);

/// Returns the readings said on the page itself that differ from the first one said there.
fn contradictions(own: Kind, fact: &str, readings: &[ReadingEntry<'_>]) -> Vec<Finding> {
    let here = |reading: &ReadingEntry<'_>| match reading.ground {
        Ground::Documented { at, .. } => at
            .iter()
            .copied()
            .find(|place| place.document.unwrap_or(own) == own),
        Ground::Assumed { .. } => None,
    };
    let said: Vec<(&ReadingEntry<'_>, Place)> = readings
        .iter()
        .filter_map(|reading| Some((reading, here(reading)?)))
        .collect();
    let Some(((first, there), others)) = said.split_first() else {
        return Vec::new();
    };
    let fault = |(other, place): &(&ReadingEntry<'_>, Place)| Finding {
        document: own,
        line: place.first,
        subject: format!("{fact} ({})", other.name),
        expected: format!("`{}` as at {}", first.value, there.cite(own)),
        found: format!("`{}`", other.value),
        moved: false,
    };
    others.iter().map(fault).collect()
}

/// Returns the faults of a command: one that no shell takes has no others.
fn command(contract: &Contract, quote: &Quote) -> Vec<Fault> {
    let Some(words) = shlex::split(&quote.text) else {
        return vec![(
            0,
            "a command that a shell takes".into(),
            "a quotation mark that is left open".into(),
        )];
    };
    let after = |option: &'static str| {
        words
            .windows(2)
            .filter(move |pair| pair[0] == option)
            .map(|pair| pair[1].as_str())
    };
    let has_header = |name: &str| {
        after("-H").any(|header| {
            header
                .split(':')
                .next()
                .is_some_and(|named| named.eq_ignore_ascii_case(name))
        })
    };
    let mut faults: Vec<Fault> = after("-d")
        .flat_map(|data| body(contract, quote, data))
        .collect();
    if !has_header("content-type") {
        faults.push((
            0,
            "a content type".into(),
            "none, so that curl sends application/x-www-form-urlencoded".into(),
        ));
    }
    if has_header("authorization") {
        faults.push((
            0,
            "no token, since none is needed".into(),
            "an Authorization header".into(),
        ));
    }
    let odd = quote
        .placeholders
        .iter()
        .filter(|placeholder| !is_placeholder(placeholder));
    faults.extend(odd.map(|placeholder| {
        (
            0,
            "placeholders like `<USER_NAME>`".into(),
            format!("`{placeholder}`"),
        )
    }));
    faults
}

/// Returns the faults of a request's body: what keeps it from being JSON, else where it parts from the table of fields.
fn body(contract: &Contract, quote: &Quote, text: &str) -> Vec<Fault> {
    let mut faults: Vec<Fault> = (0..)
        .zip(text.lines())
        .filter(|(_, line)| line.contains(NO_ESCAPE))
        .map(|(at, _)| (at, "JSON".into(), format!("the escape `{NO_ESCAPE}`")))
        .collect();
    match serde_json::from_str::<Json>(&text.replace(NO_ESCAPE, "!")) {
        Err(error) => faults.push((
            u32::try_from(error.line().saturating_sub(1)).unwrap_or(0),
            "JSON".into(),
            format!("text that is none, {error}"),
        )),
        Ok(json) => {
            let present: Vec<&str> = json
                .as_object()
                .into_iter()
                .flat_map(|fields| fields.keys())
                .map(String::as_str)
                .collect();
            let fields: Vec<String> = contract
                .clause(quote.operation)
                .fields
                .keys()
                .map(ToString::to_string)
                .collect();
            let missing = fields
                .iter()
                .filter(|field| !present.contains(&field.as_str()));
            faults.extend(missing.map(|field| {
                (
                    0,
                    format!("`{field}`, which is required"),
                    "a body without it".into(),
                )
            }));
            let strange = present
                .iter()
                .filter(|field| !fields.iter().any(|known| known == *field));
            faults.extend(strange.map(|field| {
                (
                    0,
                    format!("one of {}", fields.join(", ")),
                    format!("`{field}`"),
                )
            }));
        }
    }
    faults
}

fn is_placeholder(text: &str) -> bool {
    let name = text
        .strip_prefix('<')
        .and_then(|text| text.strip_suffix('>'));
    name.is_some_and(|name| {
        name.chars()
            .all(|letter| letter.is_ascii_uppercase() || letter == '_')
    })
}

/// What a shell's history expansion taught the pages' authors, and no JSON reader takes.
const NO_ESCAPE: &str = r"\!";

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::contract;

    #[rstest]
    #[case::x01("sensor:18 set_password.path (heading): ")]
    #[case::x04("sensor:167 set_password_by_admin.admin_username (curl): ")]
    #[case::x04(
        "console:190 quote C190: expected one of admin_password, admin_username, new_password, username, found `admin_user`"
    )]
    #[case::x05(
        "console:122 quote C122: expected `admin_password`, which is required, found a body without it"
    )]
    #[case::x06("sensor:33 quote S31: expected JSON, found the escape `\\!`")]
    #[case::x06("sensor:111 quote S109: expected JSON, found text that is none, expected `:`")]
    #[case::x06("console:126 quote C122: expected JSON, found the escape `\\!`")]
    #[case::x07("sensor:231 quote S231: expected JSON, found text that is none, expected value")]
    #[case::x08("console:257 quote C257: expected a content type, found none")]
    #[case::x09("sensor:237 quote S237: expected no token")]
    #[case::x11("sensor:212 validation.authenticated.body (table): ")]
    #[case::x14("console:143 set_password_by_admin.user_unknown.body (table): ")]
    #[case::x21(
        "console:263 quote C263: expected a command that a shell takes, found a quotation mark that is left open"
    )]
    #[case::x26(
        "sensor:231 quote S231: expected placeholders like `<USER_NAME>`, found `<USER NAME>`"
    )]
    #[case::x26(
        "console:257 quote C257: expected placeholders like `<USER_NAME>`, found `PASSWORD`"
    )]
    fn the_pages_known_faults_are_found(#[case] expected: &str) {
        // The law has them by heart: any page of as many lines will do.
        let page = "\n".repeat(300);
        let faults = Kind::ALL
            .iter()
            .flat_map(|kind| lint(contract::of(*kind), &Page::new(&page)));
        let faults: Vec<String> = faults.map(|fault| fault.to_string()).collect();
        assert_eq!(
            faults
                .iter()
                .filter(|fault| fault.starts_with(expected))
                .count(),
            1,
            "{}",
            faults.join("\n")
        );
    }
}
