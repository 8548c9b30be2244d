//! What did happen, nearest first, where something else was expected.

use std::collections::HashMap;

use crate::{
    fixture::counted,
    journal::{EntryFilter, EntryView, OTHER_ANSWER},
    server::MockAppliance,
};

/// Describes the requests to a double in lines, those nearest to the filter first.
pub(super) fn describe_requests(appliance: &MockAppliance, filter: &EntryFilter) -> String {
    let page = appliance.journal(&EntryFilter::default(), usize::MAX);
    // For each line its distance, the number of the first request, and how many requests are alike.
    let mut groups: HashMap<String, (u8, u64, usize)> = HashMap::new();
    for view in &page.entries {
        let first = (distance(view, filter), view.number, 0);
        groups.entry(line(view)).or_insert(first).2 += 1;
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_unstable_by_key(|(_, (distance, first, _))| (*distance, *first));
    let (shown, rest) = groups.split_at(groups.len().min(MAX_LINES));
    let mut lines: Vec<String> = shown
        .iter()
        .map(|(line, (_, _, count))| format!("{count} × {line}"))
        .collect();
    let rest: usize = rest.iter().map(|(_, (_, _, count))| count).sum();
    if rest > 0 {
        lines.push(format!("and {rest} other requests"));
    }
    if page.entries.is_empty() {
        lines.push("no request was noted".to_owned());
    }
    if page.dropped > 0 {
        let text = "older entries were dropped: a larger journal keeps them";
        lines.push(format!("{} {text}", page.dropped));
    }
    lines.iter().map(|line| format!("\n  {line}")).collect()
}

/// Describes in lines what is wrong with the client, in all of its requests; nothing where nothing is.
pub(super) fn describe_findings(appliance: &MockAppliance) -> String {
    let findings = appliance.findings();
    if findings.is_empty() {
        return String::new();
    }
    let lines = findings.into_iter().map(|(finding, count)| {
        let requests = counted(count as usize, "request");
        format!("\n  {finding} in {requests}: {}", finding.advice())
    });
    format!("\n\nfindings about the client{}", lines.collect::<String>())
}

/// The same operation first, the same user next, then what hit no operation: it may have been meant for this one.
fn distance(view: &EntryView, filter: &EntryFilter) -> u8 {
    let operation = filter.operation;
    let same_operation = operation.is_none_or(|wanted| view.operation == Some(wanted.name()));
    let same_user = filter.user.is_some() && view.user == filter.user;
    match (same_operation, same_user, view.operation.is_some()) {
        (true, true, _) => 0,
        (true, false, _) => 1,
        (false, _, false) => 2,
        (false, true, true) => 3,
        (false, false, true) => 4,
    }
}

fn line(view: &EntryView) -> String {
    let or_nothing = |text: Option<String>| text.unwrap_or_default();
    let failure = view.failure.as_ref();
    let failure = or_nothing(failure.map(|name| format!("; under failure mode `{name}`")));
    let Some(operation) = view.operation else {
        let (method, target) = (&view.request.method, &view.request.target);
        let path = target.split('?').next().unwrap_or_default();
        let (method, path) = (shorten(method), shorten(path));
        let (method, path) = (method.escape_debug(), path.escape_debug());
        let suggestion = or_nothing(view.suggestion.as_ref().map(|text| format!(": {text}")));
        return format!("{method} {path} hit no operation{suggestion}{failure}");
    };
    let user = view.user.as_ref();
    let user = or_nothing(user.map(|user| format!(" by {:?}", shorten(user))));
    let outcome = view.outcome.unwrap_or(OTHER_ANSWER);
    format!("{operation} → {outcome}{user}: {}{failure}", view.reason)
}

fn shorten(text: &str) -> String {
    text.chars().take(MAX_CHARS).collect()
}

/// How many groups of like requests are shown.
const MAX_LINES: usize = 6;
const MAX_CHARS: usize = 100;
