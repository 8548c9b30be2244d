//! `healthcheck`: exit 0 when every appliance answers. Made for a container's image, which has no curl.
//!
//! Any answer counts: one that misbehaves as its fixture says is in good health. Certificates are not verified: the question
//! is whether somebody answers, nothing secret is sent, and an appliance that listens where its certificate does not say,
//! or shows an expired one on purpose, answers all the same. So no CA is needed on the disk.

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
    cli::{code, ready::Ready, talk::Talk},
    client::Target,
};

/// What healthcheck is told.
#[derive(Args, Debug)]
#[command(after_help = CODES)]
pub struct Options {
    /// The file that serve wrote with its --ready-file; without it, https://127.0.0.1:8443 is asked
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
}

/// Asks every appliance, says which ones do not answer, and returns the exit code: 0 all answer, 3 one does not or there is
/// no ready file yet, 1 the file is no ready file. Never 2: container engines keep that for themselves.
pub fn run(options: &Options, talk: &Talk) -> u8 {
    let urls = match urls(options.ready_file.as_deref()) {
        Ok(urls) => urls,
        Err((code, error)) => {
            talk.error(error);
            return code;
        }
    };
    match ask_all(&urls) {
        Ok(silent) => {
            silent.iter().for_each(|error| talk.error(error));
            if silent.is_empty() {
                code::GOOD
            } else {
                code::UNREACHABLE
            }
        }
        Err(error) => {
            talk.error(format!("starting: {error}"));
            code::INTERNAL
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the ready file is where the command line says"
)]
fn urls(ready_file: Option<&Path>) -> Result<Vec<String>, (u8, String)> {
    let Some(path) = ready_file else {
        return Ok(vec![DEFAULT.to_owned()]);
    };
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| {
        let hint = "serve writes it with --ready-file once all is ready, and removes it at the end";
        (
            code::UNREACHABLE,
            format!("reading {shown}: {error}\n  hint: {hint}"),
        )
    })?;
    let ready: Ready = serde_json::from_str(&text)
        .map_err(|error| (code::WRONG, format!("{shown} is no ready file: {error}\n  hint: name the file that serve wrote with --ready-file")))?;
    Ok(ready
        .appliances
        .into_iter()
        .map(|served| served.url)
        .collect())
}

/// Asks all at once, and returns what is to be said of those that do not answer.
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
                .unwrap_or_else(|_| Err("the asking broke down".into()))
                .err();
            silent.extend(error.map(|error| format!("{url} does not answer: {error}")));
        }
        silent
    }))
}

/// A request that is no operation: no failure mode of an operation counts it, and no sign-in fails.
async fn ask(url: String) -> Result<(), String> {
    let target = Target::unverified(&url, PATIENCE).map_err(|error| error.to_string())?;
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

/// Where serve listens unless told otherwise.
const DEFAULT: &str = "https://127.0.0.1:8443";
/// Less than container engines wait.
const PATIENCE: Duration = Duration::from_secs(5);
const CODES: &str = "Any answer counts, and certificates are not verified.
Exit codes: 0 all answer; 3 one does not, or there is no ready file (yet); 1 the file is no ready file.";
