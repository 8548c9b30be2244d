//! The program with its control API, in place of doubles in this process: `D4IOT_TABLE=served`.

use std::{
    env, fs,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;

use crate::{control_process::ask, process::Process};

/// A started `serve`, ended when dropped.
pub(crate) struct Program {
    control: String,
    ca: Option<String>,
    _process: Mutex<Process>,
}

/// A sensor of a program, whose clock stands still.
pub(crate) struct Served {
    program: Arc<Program>,
    name: String,
    pub(crate) address: SocketAddr,
}

impl Program {
    /// Starts one, over HTTP or HTTPS, if the test is to use it.
    pub(crate) fn start(tls: bool) -> Option<Arc<Program>> {
        env::var("D4IOT_TABLE")
            .is_ok_and(|word| word == "served")
            .then_some(())?;
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        let transport = if tls {
            vec!["--ca-out", ca.to_str().unwrap()]
        } else {
            vec!["--http"]
        };
        let args = ["serve", "--no-appliances", "--control", "127.0.0.1:0"];
        let mut process = Process::start(&[&args[..], &transport].concat());
        Some(Arc::new(Program {
            control: process.control(),
            ca: tls.then(|| fs::read_to_string(&ca).unwrap()),
            _process: Mutex::new(process),
        }))
    }

    pub(crate) fn ca_pem(&self) -> Option<&str> {
        self.ca.as_deref()
    }

    /// Makes a sensor of a fixture.
    pub(crate) fn sensor(self: &Arc<Program>, fixture: &str) -> Served {
        let made = self.ask("POST /v1/appliances", "application/yaml", fixture);
        let made: Value = serde_json::from_str(&made).unwrap();
        let port = made["url"].as_str().unwrap().rsplit(':').next().unwrap();
        let served = Served {
            program: Arc::clone(self),
            name: made["name"].as_str().unwrap().to_owned(),
            address: SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap())),
        };
        served.tell(r#"{"frozen":true}"#);
        served
    }

    fn ask(&self, request: &str, content: &str, body: &str) -> String {
        let (status, answer) = ask(
            &self.control,
            request,
            &format!("content-type: {content}\r\n"),
            body,
        );
        assert!((200..300).contains(&status), "{request}: {status} {answer}");
        answer
    }
}

impl Served {
    pub(crate) fn advance(&self, time: Duration) {
        self.tell(&format!(r#"{{"advance":"{}ms"}}"#, time.as_millis()));
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    fn tell(&self, clock: &str) {
        let request = format!("POST /v1/appliances/{}/clock", self.name);
        self.program.ask(&request, "application/json", clock);
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let request = format!("DELETE /v1/appliances/{}", self.name);
        self.program.ask(&request, "application/json", "");
    }
}
