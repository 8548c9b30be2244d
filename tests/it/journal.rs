//! The journal by what real sockets do: how answers end, in which order requests stand, how soon a wait ends, how much is kept.

mod bounds;
mod ends;
mod entries;
mod order;
mod waiting;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use d4iot_double::{
    contract::{Kind, Operation, Outcome},
    fixture,
    journal::{Bounds, EntryFilter, EntryView, Finding, MemoryBudget, Progress},
    server::{MockAppliance, RunningAppliance, Service, tls::Identity},
};
use rstest::rstest;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::own_process::is_own_process;

const VALIDATION: &str = "/api/external/authentication/validation";

// — the appliance and its clients —

/// Opens a sensor with a mode named `bad` that always does this, if anything.
fn open(act: &str) -> RunningAppliance {
    let modes = if act.is_empty() {
        String::new()
    } else {
        format!("failures: [{{ name: bad, do: {{ {act} }} }}]")
    };
    let fixture = fixture::read("test", &format!("appliance: sensor\n{modes}\n")).unwrap();
    RunningAppliance::open(
        MockAppliance::new(fixture.appliance(), fixture.schedule(7)),
        None::<&Identity>,
    )
    .unwrap()
}

async fn connect(double: &RunningAppliance) -> TcpStream {
    TcpStream::connect(double.address()).await.unwrap()
}

fn request(path: &str, body: &str) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    (head + body).into_bytes()
}

fn validation(user: &str, password: &str) -> Vec<u8> {
    request(
        VALIDATION,
        &format!(r#"{{"username": "{user}", "password": "{password}"}}"#),
    )
}

async fn ask(double: &RunningAppliance, path: &str, body: &str) -> String {
    let mut client = connect(double).await;
    client.write_all(&request(path, body)).await.unwrap();
    read_answer(&mut client).await
}

/// Reads one answer that tells its length.
async fn read_answer(client: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let length = |answer: &[u8]| {
        let text = String::from_utf8_lossy(answer).into_owned();
        let (head, _) = text.split_once("\r\n\r\n")?;
        let length = head.lines().find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length: ")
                .map(|length| length.parse::<usize>())
        })?;
        Some(head.len() + 4 + length.unwrap())
    };
    while length(&answer).is_none_or(|length| answer.len() < length) {
        assert!(
            within(client.read_buf(&mut answer)).await.unwrap() > 0,
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }
    String::from_utf8(answer).unwrap()
}

/// Waits until one answer has ended so, and returns its entry.
async fn ended(double: &RunningAppliance, progress: Progress) -> EntryView {
    let wanted = EntryFilter {
        state: Some(progress),
        ..EntryFilter::default()
    };
    within(double.appliance().wait(&wanted, 1)).await;
    double.appliance().journal(&wanted, 1).entries.remove(0)
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("an event comes in time")
}

/// The process's resident memory, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    status.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}
