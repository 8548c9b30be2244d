//! `/metrics`: what all appliances have counted, in the text format of Prometheus (OpenMetrics 1.0).
//!
//! A label's values are those of closed sets, or names that were given to appliances and failure modes: nothing that a client sends.
//! What an appliance counted is gone with it.

use std::{fmt, sync::Arc};

use axum::extract::State;
use http::header;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet, text},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::{Registry, Unit},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    contract::Operation,
    control::Desk,
    fleet::{Fleet, Member},
    host::Totals,
    journal::BOUNDS,
};

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// What all appliances have counted, for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "process",
    responses((status = 200, description = "OpenMetrics 1.0", body = String, content_type = "application/openmetrics-text")))]
async fn metrics(State(desk): State<Desk>) -> ([(header::HeaderName, &'static str); 1], String) {
    let mut registry = Registry::with_prefix("d4iot_double");
    registry.register_collector(Box::new(Counts(desk.fleet().clone())));
    let mut text = String::new();
    text::encode(&mut text, &registry).expect("a string takes all that is written");
    (
        [(
            header::CONTENT_TYPE,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        )],
        text,
    )
}

/// Counts at the moment they are asked for.
struct Counts(Fleet);

impl fmt::Debug for Counts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Counts")
    }
}

impl Collector for Counts {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let members: Vec<(Arc<Member>, Totals)> = self
            .0
            .members()
            .into_iter()
            .map(|member| (Arc::clone(&member), member.host().totals()))
            .collect();
        let appliances = ConstGauge::new(members.len() as u64);
        appliances.encode(encoder.encode_descriptor(
            "appliances",
            "Appliances that answer",
            None,
            MetricType::Gauge,
        )?)?;

        let mut requests = encoder.encode_descriptor(
            "requests",
            "Requests that were read",
            None,
            MetricType::Counter,
        )?;
        for (member, totals) in &members {
            for counted in &totals.requests {
                let labels = [
                    ("appliance", &*member.name()),
                    ("kind", member.kind().name()),
                    (
                        "operation",
                        counted.operation.map_or("none", Operation::name),
                    ),
                    ("outcome", counted.outcome.name()),
                    ("failure", counted.failure.as_deref().unwrap_or_default()),
                ];
                ConstCounter::new(counted.count).encode(requests.encode_family(&labels)?)?;
            }
        }

        let help =
            "From the last byte of a request to the last byte of its answer, on the wall clock";
        let mut took = encoder.encode_descriptor(
            "answer_duration",
            help,
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        for (member, totals) in &members {
            let bounds = BOUNDS
                .iter()
                .map(std::time::Duration::as_secs_f64)
                .chain([f64::MAX]);
            let buckets: Vec<(f64, u64)> = bounds.zip(totals.latency.counts).collect();
            let count = totals.latency.counts.iter().sum();
            took.encode_family(&of(member))?
                .encode_histogram::<NoLabelSet>(
                    totals.latency.sum.as_secs_f64(),
                    count,
                    &buckets,
                    None,
                )?;
        }

        counters(
            &members,
            encoder.encode_descriptor(
                "connections",
                "Connections that were accepted",
                None,
                MetricType::Counter,
            )?,
            |member, _| member.host().connections().0,
        )?;
        gauges(
            &members,
            encoder.encode_descriptor(
                "connections_open",
                "Connections that are open",
                None,
                MetricType::Gauge,
            )?,
            |member, _| member.host().connections().1,
        )?;
        gauges(
            &members,
            encoder.encode_descriptor(
                "journal_entries",
                "Journal entries that are held",
                None,
                MetricType::Gauge,
            )?,
            |_, totals| totals.held.0 as u64,
        )?;
        let held = encoder.encode_descriptor(
            "journal",
            "Bytes that the journal holds",
            Some(&Unit::Bytes),
            MetricType::Gauge,
        )?;
        gauges(&members, held, |_, totals| totals.held.1 as u64)?;
        let dropped = encoder.encode_descriptor(
            "journal_dropped",
            "Journal entries that were dropped for newer ones",
            None,
            MetricType::Counter,
        )?;
        counters(&members, dropped, |_, totals| totals.dropped)
    }
}

/// What is counted of one appliance.
type Count = fn(&Member, &Totals) -> u64;

fn counters(
    members: &[(Arc<Member>, Totals)],
    mut encoder: MetricEncoder<'_>,
    count: Count,
) -> fmt::Result {
    members.iter().try_for_each(|(member, totals)| {
        ConstCounter::new(count(member, totals)).encode(encoder.encode_family(&of(member))?)
    })
}

fn gauges(
    members: &[(Arc<Member>, Totals)],
    mut encoder: MetricEncoder<'_>,
    count: Count,
) -> fmt::Result {
    members.iter().try_for_each(|(member, totals)| {
        ConstGauge::new(count(member, totals)).encode(encoder.encode_family(&of(member))?)
    })
}

fn of(member: &Member) -> [(&'static str, String); 2] {
    [
        ("appliance", member.name().to_string()),
        ("kind", member.kind().name().to_owned()),
    ]
}
