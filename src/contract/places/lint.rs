//! The faults of a page itself: examples that are not JSON, commands no shell takes, a sentence here that another line contradicts.

use serde_json::{Map, Value as Json};

use crate::contract::{
    Contract, Ground, Quote, QuoteForm,
    places::{Finding, SourcePage},
};

/// Returns the faults of a contract's own page, by line: what its vendor could mend. The contract holds all the same.
///
/// A fault whose line has other words in this edition is left out: it may have been mended.
pub fn lint(contract: &Contract, page: &SourcePage<'_>) -> Vec<Finding> {
    let finding = |line, subject, (expected, found)| Finding {
        document: contract.kind,
        line,
        subject,
        expected,
        found,
        moved: false,
    };
    let mut faults = Vec::new();
    for fact in contract.facts() {
        let mut first = None;
        for reading in &fact.readings {
            let Ground::Documented { at, .. } = reading.ground else {
                continue;
            };
            let is_own = |document| document == contract.kind;
            let Some(place) = at.iter().find(|place| place.document.is_none_or(is_own)) else {
                continue;
            };
            let (value, cited) =
                first.get_or_insert_with(|| (&reading.value, place.cite(contract.kind)));
            if *value != &reading.value {
                let subject = format!("{} ({})", fact.name, reading.name);
                let fault = (
                    format!("`{value}` as at {cited}"),
                    format!("`{}`", reading.value),
                );
                faults.push(finding(place.first, subject, fault));
            }
        }
    }
    for (name, quote) in &contract.quotes {
        let Some(first) = quote.at.first() else {
            continue;
        };
        let of_quote = match quote.form {
            QuoteForm::Command => command(contract, quote),
            QuoteForm::Example => body(contract, quote, &quote.text),
        };
        for (line, expected, found) in of_quote {
            let subject = format!("quote {name}");
            faults.push(finding(first.first + line, subject, (expected, found)));
        }
    }
    faults.retain_mut(|fault| {
        let now = page.now(fault.line).filter(|line| !page.is_changed(*line));
        fault.line = now.unwrap_or_default();
        now.is_some()
    });
    faults.sort_by_key(|fault| fault.line);
    faults
}

/// A fault's line, counted from the quote's first, what was expected and what was found.
type Fault = (u32, String, String);

fn fault(line: usize, expected: &str, found: impl Into<String>) -> Fault {
    (line as u32, expected.to_owned(), found.into())
}

/// Returns the faults of a command: one that no shell takes has no others.
fn command(contract: &Contract, quote: &Quote) -> Vec<Fault> {
    let Some(words) = shlex::split(&quote.text) else {
        let found = "a quotation mark that is left open";
        return vec![fault(0, "a command that a shell takes", found)];
    };
    let after = |option: &'static str| {
        let pairs = words.windows(2).filter(move |pair| pair[0] == option);
        pairs.map(|pair| pair[1].as_str())
    };
    let has_header = |name: &str| after("-H").any(|header| header.to_lowercase().starts_with(name));
    let data = after("-d");
    let mut faults: Vec<Fault> = data.flat_map(|data| body(contract, quote, data)).collect();
    if !has_header("content-type:") {
        let found = "none, so that curl sends application/x-www-form-urlencoded";
        faults.push(fault(0, "a content type", found));
    }
    if has_header("authorization:") {
        faults.push(fault(
            0,
            "no token, since none is needed",
            "an Authorization header",
        ));
    }
    for text in &quote.placeholders {
        let name = text
            .strip_prefix('<')
            .and_then(|text| text.strip_suffix('>'));
        let is_letter = |letter: char| letter.is_ascii_uppercase() || letter == '_';
        if !name.is_some_and(|name| name.chars().all(is_letter)) {
            faults.push(fault(
                0,
                "placeholders like `<USER_NAME>`",
                format!("`{text}`"),
            ));
        }
    }
    faults
}

/// Returns the faults of a request's body: what keeps it from being JSON, else where it differs from the table of fields.
fn body(contract: &Contract, quote: &Quote, text: &str) -> Vec<Fault> {
    let lines = text.lines().enumerate();
    let escapes = lines.filter(|(_, line)| line.contains(NO_ESCAPE));
    let mut faults: Vec<Fault> = escapes
        .map(|(line, _)| fault(line, "JSON", format!("the escape `{NO_ESCAPE}`")))
        .collect();
    let given: Map<String, Json> = match serde_json::from_str(&text.replace(NO_ESCAPE, "!")) {
        Ok(given) => given,
        Err(error) => {
            let found = format!("text that is none, {error}");
            faults.push(fault(error.line().saturating_sub(1), "JSON", found));
            return faults;
        }
    };
    let fields = contract.clause(quote.operation).fields.keys();
    let fields: Vec<&str> = fields.map(|field| field.name()).collect();
    for field in fields.iter().filter(|field| !given.contains_key(**field)) {
        let expected = format!("`{field}`, which is required");
        faults.push(fault(0, &expected, "a body without it"));
    }
    for field in given
        .keys()
        .filter(|field| !fields.contains(&field.as_str()))
    {
        let expected = format!("one of {}", fields.join(", "));
        faults.push(fault(0, &expected, format!("`{field}`")));
    }
    faults
}

/// What a shell's history expansion taught the pages' authors, and no JSON reader takes.
const NO_ESCAPE: &str = r"\!";

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::contract::{self, Kind};

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
        // The contract has the lines itself: any page of as many lines will do.
        let page = "\n".repeat(300);
        let faults = Kind::ALL
            .iter()
            .flat_map(|kind| lint(contract::of(*kind), &SourcePage::new(&page)));
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
