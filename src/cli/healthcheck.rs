//! `healthcheck`: exit 0 when a `serve` process answers. Made for container images, which have no curl.
//!
//! It asks the address for probes, so no appliance notices, whatever its failure modes do.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use clap::Args;
use http::{Request, header};

use crate::{
    cli::{
        client, code,
        error::{CliError, Result},
        ready::Ready,
        runtime,
    },
    client::Target,
};

/// The arguments of `healthcheck`.
#[derive(Args, Debug)]
#[command(after_help = CODES)]
pub(super) struct HealthcheckArgs {
    /// The file that serve writes with its --ready-file: it names the address for probes
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
    /// The address for probes, as serve has it from its --health, or a control API; a ready file comes first
    #[arg(long, value_name = "URL", default_value = DEFAULT)]
    url: String,
    /// Ask again for so long, until the answer is yes
    #[arg(long, value_name = "D", value_parser = client::duration, default_value = "0s")]
    wait: Duration,
}

/// Asks until the time is over. Never ends with 2: container engines reserve that code.
#[expect(
    clippy::disallowed_methods,
    reason = "a person or an orchestrator waits for it, by the wall's clock"
)]
pub(super) fn run(options: &HealthcheckArgs) -> Result {
    let runtime = runtime::of_one_thread()?;
    let start = Instant::now();
    let left = || options.wait.saturating_sub(start.elapsed());
    loop {
        let limit = if options.wait.is_zero() {
            TIMEOUT
        } else {
            left().clamp(PAUSE, TIMEOUT)
        };
        match runtime.block_on(ask(options, limit)) {
            Err(error) if error.code == code::UNREACHABLE && !left().is_zero() => {
                thread::sleep(PAUSE.min(left()));
            }
            asked => return asked.map(|()| code::SUCCESS),
        }
    }
}

async fn ask(options: &HealthcheckArgs, limit: Duration) -> Result<()> {
    let Some(path) = &options.ready_file else {
        return answer(&options.url, limit).await.map(drop);
    };
    let Ready { health, pid, .. } = read(path)?;
    let answered = answer(&health, limit).await?;
    if answered == format!("{pid}\n") {
        return Ok(());
    }
    let shown = path.display();
    let message = format!("{shown} was written by process {pid}, and another one answers now");
    Err(unhealthy(message).hint("that process has ended; serve writes the file at its next start"))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the ready file is where the command line says"
)]
fn read(path: &Path) -> Result<Ready> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| {
        unhealthy(format!("cannot read {shown}: {error}"))
            .hint("serve writes it with --ready-file when all is ready, and removes it at the end")
    })?;
    serde_json::from_str(&text).map_err(|error| {
        // A mounted file cannot be replaced at once: it is emptied, and written later.
        if error.is_eof() {
            return unhealthy(format!("{shown} is not yet written"));
        }
        let message = format!("{shown} is not a ready file: {error}");
        CliError::new(code::DEVIATION, message)
            .hint("name the file that serve writes with --ready-file")
    })
}

/// Returns the body of an answer with status 200.
async fn answer(url: &str, limit: Duration) -> Result<String> {
    let silent = |why: String| unhealthy(format!("{url} does not answer: {why}"));
    let target = Target::unverified(url, limit).map_err(|error| silent(error.to_string()))?;
    let request = Request::get("/v1/health")
        .header(header::USER_AGENT, "d4iot-double healthcheck")
        .body(Bytes::new())?;
    let answer = target.send(&request).await;
    let answer = answer.map_err(|error| silent(error.to_string()))?;
    if answer.status() != 200 {
        return Err(unhealthy(format!("{url} answers {}", answer.status())));
    }
    Ok(String::from_utf8_lossy(answer.body()).into_owned())
}

fn unhealthy(message: String) -> CliError {
    CliError::new(code::UNREACHABLE, message)
}

/// Where the documentation has `serve --health` listen.
const DEFAULT: &str = "http://127.0.0.1:8080";
/// Less than container engines wait.
const TIMEOUT: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);
const CODES: &str = "Exit codes: 0 it answers · 3 it does not, or the ready file does not exist (yet) · 1 the file is not a ready file";
