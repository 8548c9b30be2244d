//! What did happen, nearest first, for whoever expected something else.

use crate::{
    journal::{EntryFilter, EntryView},
    server::MockAppliance,
    testing::filter::RequestFilter,
};

/// Requests that are alike, for a reader.
struct Alike {
    line: String,
    count: usize,
    /// How far from what was meant, nought being nearest.
    distance: u8,
    first: u64,
}

/// Says in lines what happened at a double, the nearest to what was meant first.
pub(super) fn told(host: &MockAppliance, aim: &RequestFilter) -> String {
    let page = host.journal(&EntryFilter::default(), usize::MAX);
    let mut alike: Vec<Alike> = Vec::new();
    for view in page.entries.iter().rev() {
        let line = line(view);
        match alike.iter_mut().find(|other| other.line == line) {
            Some(other) => other.count += 1,
            None => alike.push(Alike {
                line,
                count: 1,
                distance: distance(view, aim),
                first: view.number,
            }),
        }
    }
    alike.sort_by_key(|alike| (alike.distance, alike.first));
    let mut told: String = alike
        .iter()
        .take(MOST_LINES)
        .map(|alike| format!("\n  {} × {}", alike.count, alike.line))
        .collect();
    let rest: usize = alike.iter().skip(MOST_LINES).map(|alike| alike.count).sum();
    if rest > 0 {
        told.push_str(&format!("\n  and {rest} other requests"));
    }
    if page.entries.is_empty() {
        told.push_str("\n  no request was noted");
    }
    if page.dropped > 0 {
        told.push_str(&format!(
            "\n  {} older entries were dropped: a larger journal keeps them",
            page.dropped
        ));
    }
    told
}

/// Says in lines what was found about the client, whatever it was that it asked; nothing where nothing was found.
pub(super) fn found(host: &MockAppliance) -> String {
    let lines = host.findings().into_iter().map(|(finding, count)| {
        let requests = if count == 1 {
            "1 request".to_owned()
        } else {
            format!("{count} requests")
        };
        format!("\n  {} in {requests}: {}", finding.name(), finding.advice())
    });
    let lines: String = lines.collect();
    if lines.is_empty() {
        lines
    } else {
        format!("\n\nfindings about the client{lines}")
    }
}

/// The same operation first, the same user next, then what hit no operation: it may have been meant for this one.
fn distance(view: &EntryView, aim: &RequestFilter) -> u8 {
    let same_operation = aim
        .wanted
        .operation
        .is_none_or(|operation| view.operation == Some(operation.name()));
    let same_user = aim.user.is_some() && view.user == aim.user;
    match (same_operation, same_user, view.operation.is_some()) {
        (true, true, _) => 0,
        (true, false, _) => 1,
        (false, _, false) => 2,
        (false, true, true) => 3,
        (false, false, true) => 4,
    }
}

fn line(view: &EntryView) -> String {
    let failure = view
        .failure
        .as_ref()
        .map(|failure| format!("; bent by {failure:?}"))
        .unwrap_or_default();
    match (view.operation, &view.suggestion) {
        (Some(operation), _) => {
            let user = view
                .user
                .as_ref()
                .map(|user| format!(" by {}", shown(user)))
                .unwrap_or_default();
            format!(
                "{operation} → {}{user}: {}{failure}",
                view.outcome, view.reason
            )
        }
        (None, suggestion) => {
            let target = view.request.target.split('?').next().unwrap_or_default();
            let suggestion = suggestion
                .as_ref()
                .map(|suggestion| format!(": {suggestion}"))
                .unwrap_or_default();
            format!(
                "{} {} hit no operation{suggestion}{failure}",
                shown_plain(&view.request.method),
                shown_plain(target)
            )
        }
    }
}

/// A name in quotes, on one line, not too long.
fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(LONGEST).collect::<String>())
}

fn shown_plain(text: &str) -> String {
    text.chars()
        .take(LONGEST)
        .flat_map(char::escape_debug)
        .collect()
}

/// How many lines are shown of requests that are not alike.
const MOST_LINES: usize = 6;
const LONGEST: usize = 100;
