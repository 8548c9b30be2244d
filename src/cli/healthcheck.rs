//! `healthcheck`: exit 0 when every appliance answers. Made for container images, which have no curl.
//!
//! Any answer counts: an appliance that misbehaves as its fixture says is healthy. Certificates are not verified: nothing
//! secret is sent, and a certificate may be wrong on purpose.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use clap::Args;
use http::{Request, header};
use tokio::runtime::Builder;

use crate::{
    cli::{
        code,
        console::Console,
        error::{CliError, Result},
        ready::Ready,
    },
    client::Target,
};

/// The arguments of `healthcheck`.
#[derive(Args, Debug)]
#[command(after_help = CODES)]
pub(super) struct HealthcheckArgs {
    /// The file that serve writes with its --ready-file (default: ask https://127.0.0.1:8443)
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
}

/// Sends a request to every appliance, and prints those that do not answer. Never ends with 2: container engines reserve that code.
pub(super) fn run(options: &HealthcheckArgs, console: &Console) -> Result {
    let urls = urls(options.ready_file.as_deref())?;
    let silent = ask_all(&urls)
        .map_err(|error| CliError::new(code::INTERNAL, format!("cannot start: {error}")))?;
    silent.iter().for_each(|error| console.error(error));
    Ok(if silent.is_empty() {
        code::SUCCESS
    } else {
        code::UNREACHABLE
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the ready file is where the command line says"
)]
fn urls(ready_file: Option<&Path>) -> Result<Vec<String>> {
    let Some(path) = ready_file else {
        return Ok(vec![DEFAULT.to_owned()]);
    };
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| {
        CliError::new(code::UNREACHABLE, format!("cannot read {shown}: {error}"))
            .hint("serve writes it with --ready-file when all is ready, and removes it at the end")
    })?;
    let ready: Ready = serde_json::from_str(&text).map_err(|error| {
        CliError::new(
            code::DEVIATION,
            format!("{shown} is not a ready file: {error}"),
        )
        .hint("name the file that serve writes with --ready-file")
    })?;
    Ok(ready
        .appliances
        .into_iter()
        .map(|appliance| appliance.url)
        .collect())
}

/// Asks all at once, and returns an error for each that does not answer.
fn ask_all(urls: &[String]) -> io::Result<Vec<String>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let asked: Vec<_> = urls
        .iter()
        .map(|url| (url, runtime.spawn(ask(url.clone()))))
        .collect();
    Ok(runtime.block_on(async {
        let mut silent = Vec::new();
        for (url, answer) in asked {
            let error = answer
                .await
                .unwrap_or_else(|_| Err("the request ended early".into()))
                .err();
            silent.extend(error.map(|error| format!("{url} does not answer: {error}")));
        }
        silent
    }))
}

/// Sends a request that is not an operation: no failure mode of an operation counts it, and no sign-in fails.
async fn ask(url: String) -> std::result::Result<(), String> {
    let target = Target::unverified(&url, TIMEOUT).map_err(|error| error.to_string())?;
    let request = Request::get("/")
        .header(header::USER_AGENT, "d4iot-double healthcheck")
        .body(Bytes::new());
    let request = request.map_err(|error| error.to_string())?;
    target
        .send(&request)
        .await
        .map(drop)
        .map_err(|error| error.to_string())
}

/// Where serve listens by default.
const DEFAULT: &str = "https://127.0.0.1:8443";
/// Less than container engines wait.
const TIMEOUT: Duration = Duration::from_secs(5);
const CODES: &str = "Any answer counts, and certificates are not verified.
Exit codes: 0 all answer · 3 one does not, or there is no ready file (yet) · 1 the file is not a ready file";
