//! Judges the exchanges of a capture, appliance by appliance, with the suite's own judgement.

use crate::{
    contract,
    contract::{Kind, Operation},
    report::TargetSummary,
    runner::capture::{
        Capture, RecordedExchange,
        host::HostJudge,
        host_name,
        labels::Labels,
        share::{self, SharedExchange},
    },
};

/// What the exchanges of a capture say.
#[derive(Debug, Default)]
pub struct JudgedCapture {
    /// One for each appliance, in the order in which they are first seen.
    pub targets: Vec<TargetSummary>,
    /// What else is to be known of the capture.
    pub notes: Vec<String>,
    /// The exchanges, in their order, as they may be shared.
    shared: Vec<SharedExchange>,
}

/// Writes an HTTP Archive of the exchanges that anybody may read.
pub fn redacted_har(judged: &JudgedCapture) -> Vec<u8> {
    share::har(&judged.shared)
}

/// Judges the exchanges of a capture that are with a host, with any if none is named. `file` is what the capture is called. Without a
/// kind, each appliance is taken for what serves most of the paths asked, then for
/// what it deviates from least.
pub fn judge(
    capture: &Capture,
    kind: Option<Kind>,
    host: Option<&str>,
    file: &str,
) -> JudgedCapture {
    let labels = Labels::new(&capture.exchanges);
    let mut judged = JudgedCapture::default();
    let hosts = capture.hosts();
    for (index, name) in hosts.iter().enumerate() {
        if host.is_some_and(|host| !is_host(name, host)) {
            continue;
        }
        let exchanges = capture.exchanges.iter();
        let exchanges: Vec<_> = exchanges.filter(|it| it.host == *name).collect();
        let target = match hosts.len() {
            1 => file.to_owned(),
            _ => format!("{file}, appliance {}", index + 1),
        };
        let kinds = Kind::ALL
            .iter()
            .filter(|it| kind.is_none_or(|kind| kind == **it));
        let runs = kinds.map(|kind| {
            let run = HostJudge::new(*kind, &labels).run(&exchanges, &target, file);
            let counts = &run.0.counts;
            let faults = counts.deviation + counts.undocumented;
            ((count_unserved(*kind, &exchanges), faults), run)
        });
        let mut runs: Vec<_> = runs.collect();
        // The first of several that are alike.
        runs.sort_by_key(|(faults, _)| *faults);
        let mut runs = runs.into_iter();
        let Some((faults, (summary, shared, notes))) = runs.next() else {
            continue;
        };
        let alike = runs.find(|(others, _)| *others == faults);
        judged.notes.extend(alike.map(|(_, (other, ..))| {
            let (kind, other) = (summary.kind, other.kind);
            format!("{target}: taken for a {kind}, though a {other} fits as well: --kind decides")
        }));
        judged.targets.push(summary);
        judged.shared.extend(shared);
        judged.notes.extend(notes);
    }
    judged.shared.sort_by_key(|shared| shared.number);
    let left_out = capture.left_out.iter();
    let left_out = left_out.map(|(reason, count)| format!("not judged: {count} × {reason}"));
    judged.notes.extend(left_out);
    judged
}

/// Counts the exchanges on whose path no appliance of a kind serves anything.
fn count_unserved(kind: Kind, exchanges: &[&RecordedExchange]) -> usize {
    let contract = contract::of(kind);
    let clauses = Operation::ALL.iter().map(|it| contract.clause(*it));
    let readings = clauses.flat_map(|clause| clause.path.readings());
    let served: Vec<&String> = readings.flat_map(|reading| &reading.is.0).collect();
    let paths = exchanges.iter().map(|it| it.request.uri().path());
    paths
        .filter(|path| !served.iter().any(|it| it == path))
        .count()
}

/// Tells whether `scheme://host:port` is meant by a name, with or without scheme and port.
fn is_host(url: &str, name: &str) -> bool {
    let host = url.rsplit("//").next().unwrap_or_default();
    let known = [url, host, &host_name(url)];
    known.iter().any(|known| known.eq_ignore_ascii_case(name))
}
