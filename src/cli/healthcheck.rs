//! `healthcheck`: exit 0 when every appliance answers. Made for container images, which have no curl.
//!
//! Any answer counts: an appliance that misbehaves as its fixture says is healthy. Certificates are not verified: nothing
//! secret is sent, and a certificate may be wrong on purpose.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use clap::Args;
use http::{Request, header};

use crate::{
    cli::{
        code,
        console::Console,
        error::{CliError, Result},
        ready::Ready,
        serve,
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
    let runtime = serve::runtime_of_one_thread()?;
    // All are asked at once.
    let ask = |url| (String::clone(url), runtime.spawn(ask(String::clone(url))));
    let asked: Vec<_> = urls.iter().map(ask).collect();
    let mut worst = code::SUCCESS;
    for (url, answer) in asked {
        let ended = |_| Err(CliError::usage("the request ended early"));
        if let Err(error) = runtime.block_on(answer).unwrap_or_else(ended) {
            console.error(format!("{url} does not answer: {error}"));
            worst = code::UNREACHABLE;
        }
    }
    Ok(worst)
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
        let message = format!("{shown} is not a ready file: {error}");
        CliError::new(code::DEVIATION, message)
            .hint("name the file that serve writes with --ready-file")
    })?;
    let appliances = ready.appliances.into_iter();
    Ok(appliances.map(|appliance| appliance.url).collect())
}

/// Sends a request that is not an operation: no failure mode of an operation counts it, and no sign-in fails.
async fn ask(url: String) -> Result<()> {
    let target = Target::unverified(&url, TIMEOUT)?;
    let request = Request::get("/")
        .header(header::USER_AGENT, "d4iot-double healthcheck")
        .body(Bytes::new())?;
    target.send(&request).await?;
    Ok(())
}

/// Where serve listens by default.
const DEFAULT: &str = "https://127.0.0.1:8443";
/// Less than container engines wait.
const TIMEOUT: Duration = Duration::from_secs(5);
const CODES: &str = "Any answer counts, and certificates are not verified.
Exit codes: 0 all answer · 3 one does not, or the ready file does not exist (yet) · 1 the file is not a ready file";
