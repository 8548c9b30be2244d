//! Judges the exchanges of a capture, appliance by appliance, with the suite's own judgement.

use crate::{
    contract,
    contract::{Kind, Operation},
    report::TargetSummary,
    runner::capture::{
        Capture, RecordedExchange,
        host::HostJudge,
        host_name, is_one_host,
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
    /// After which entries something is not known that may have changed a password.
    gaps: Vec<usize>,
}

/// Writes an HTTP Archive of the exchanges that anybody may read.
pub fn redacted_har(judged: &JudgedCapture) -> Vec<u8> {
    share::redacted_har(&judged.shared, &judged.gaps).into_bytes()
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
    let mut judged = JudgedCapture {
        targets: Vec::new(),
        notes: Vec::new(),
        shared: Vec::new(),
        gaps: capture.gaps.clone(),
    };
    let kinds = kind.map_or_else(|| Kind::ALL.to_vec(), |kind| vec![kind]);
    let hosts = capture.hosts();
    let is_meant = |name: &&str| host.is_none_or(|host| is_host(name, host));
    for name in hosts.iter().filter(|name| is_meant(name)) {
        let mut exchanges: Vec<&RecordedExchange> = capture.exchanges.iter().collect();
        exchanges.retain(|exchange| is_one_host(&exchange.host, name));
        let number = hosts
            .iter()
            .position(|known| known == name)
            .unwrap_or_default()
            + 1;
        let target = match hosts.len() {
            1 => file.to_owned(),
            _ => format!("{file}, appliance {number}"),
        };
        let runs = kinds.iter().map(|kind| {
            let run = HostJudge::new(*kind, &labels).run(&exchanges, &capture.gaps, &target, file);
            let counts = &run.0.counts;
            let faults = counts.deviation + counts.undocumented;
            ((count_unserved(*kind, &exchanges), faults), run)
        });
        let mut runs: Vec<_> = runs.collect();
        // The first of several that are alike.
        runs.sort_by_key(|(faults, _)| *faults);
        if let [(one, one_run), (other, other_run), ..] = &*runs
            && one == other
        {
            judged.notes.push(format!(
                "{target}: taken for a {}, though a {} fits as well: --kind decides",
                one_run.0.kind, other_run.0.kind
            ));
        }
        if let Some((_, (summary, shared, notes))) = runs.into_iter().next() {
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

/// Counts the exchanges on whose path no appliance of a kind serves anything.
fn count_unserved(kind: Kind, exchanges: &[&RecordedExchange]) -> usize {
    let contract = contract::of(kind);
    let is_served = |path: &str| {
        let clauses = Operation::ALL
            .iter()
            .map(|operation| contract.clause(*operation));
        let mut paths = clauses.flat_map(|clause| clause.path.readings());
        paths.any(|reading| reading.is.0.iter().any(|known| known == path))
    };
    let paths = exchanges
        .iter()
        .map(|exchange| exchange.request.uri().path());
    paths.filter(|path| !is_served(path)).count()
}

/// Tells whether `scheme://host:port` is meant by a name, with or without scheme and port.
fn is_host(url: &str, name: &str) -> bool {
    let named = match url.split_once("//") {
        Some((scheme, _)) if !name.contains("//") => format!("{scheme}//{name}"),
        _ => name.to_owned(),
    };
    is_one_host(url, &named) || host_name(url).eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::whole("https://a.example", "https://A.example", true)]
    #[case::name("https://a.example:8443", "a.example", true)]
    #[case::port("https://a.example:8443", "a.example:8443", true)]
    #[case::default_port("https://a.example", "a.example:443", true)]
    #[case::default_port_of_the_scheme("http://a.example:80", "http://a.example", true)]
    #[case::port_of_the_other_scheme("https://a.example", "a.example:80", false)]
    #[case::other_port("https://a.example:8443", "a.example:443", false)]
    #[case::other_name("https://a.example", "b.example", false)]
    #[case::no_scheme("a.example", "a.example:443", true)]
    fn a_host_is_named_with_or_without_scheme_and_port(
        #[case] url: &str,
        #[case] name: &str,
        #[case] is_meant: bool,
    ) {
        assert_eq!(is_host(url, name), is_meant);
    }
}
