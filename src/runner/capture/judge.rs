//! Judges the exchanges of a capture, appliance by appliance, with the suite's own judgement.

use crate::{
    contract::Kind,
    report::TargetSummary,
    runner::capture::{
        Capture, RecordedExchange,
        host::HostJudge,
        labels::Labels,
        share::{self, SharedExchange},
    },
};

/// What the exchanges of a capture say.
#[derive(Debug)]
pub struct JudgedCapture {
    /// One for each appliance, in the order in which they are first seen.
    pub targets: Vec<TargetSummary>,
    /// What else is to be known of the capture.
    pub notes: Vec<String>,
    /// The exchanges, in their order, as they may be shared.
    pub(super) shared: Vec<SharedExchange>,
}

/// Writes an HTTP Archive of the exchanges that anybody may read.
pub fn redacted_har(judged: &JudgedCapture) -> Vec<u8> {
    share::har(&judged.shared)
}

/// Judges the exchanges of a capture that are with a host, with any if none is named. `file` is what the capture is called. Without a
/// kind, each appliance is taken for what it deviates from least.
pub fn judge(
    capture: &Capture,
    kind: Option<Kind>,
    host: Option<&str>,
    file: &str,
) -> JudgedCapture {
    let labels = Labels::new(&capture.exchanges);
    let mut judged = JudgedCapture {
        targets: Vec::new(),
        notes: Vec::new(),
        shared: Vec::new(),
    };
    let kinds = kind.map_or_else(|| Kind::ALL.to_vec(), |kind| vec![kind]);
    let hosts = capture.hosts();
    let is_meant = |name: &&str| host.is_none_or(|host| is_host(name, host));
    for name in hosts.iter().filter(|name| is_meant(name)) {
        let mut exchanges: Vec<&RecordedExchange> = capture.exchanges.iter().collect();
        exchanges.retain(|exchange| exchange.host == *name);
        let sorted = exchanges.iter().all(|exchange| exchange.times.is_some());
        if sorted {
            let start =
                |exchange: &&RecordedExchange| exchange.times.map_or(0.0, |(start, _)| start);
            exchanges.sort_by(|one, other| start(one).total_cmp(&start(other)));
        }
        let number = hosts
            .iter()
            .position(|known| known == name)
            .unwrap_or_default()
            + 1;
        let target = match hosts.len() {
            1 => file.to_owned(),
            _ => format!("{file}, appliance {number}"),
        };
        let runs = kinds
            .iter()
            .map(|kind| HostJudge::new(*kind, &labels).run(&exchanges, &target, file));
        // The first of several that are alike.
        let best =
            runs.min_by_key(|(summary, ..)| summary.counts.deviation + summary.counts.undocumented);
        if let Some((summary, shared, notes)) = best {
            judged.targets.push(summary);
            judged.shared.extend(shared);
            judged.notes.extend(notes);
        }
    }
    judged.shared.sort_by_key(|shared| shared.number);
    let left_out = capture.left_out.iter();
    judged
        .notes
        .extend(left_out.map(|(reason, count)| format!("not judged: {count} × {reason}")));
    judged
}

/// Tells whether `scheme://host:port` is meant by a name, with or without scheme and port.
fn is_host(url: &str, name: &str) -> bool {
    let host = url.rsplit("//").next().unwrap_or_default();
    let bare = host.rsplit_once(':').map_or(host, |(bare, _)| bare);
    [url, host, bare]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}
