//! A stderr that nobody reads.

use std::{
    io,
    io::{BufRead, BufReader, PipeReader, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use d4iot_double::contract::{Kind, Operation, Outcome};
use rustix::process::{Pid, Signal};

use super::{Answer, ask, curl, post};
use crate::process::{PROGRAM, ReadyLine};

#[test]
fn failed_handshakes_with_an_unread_stderr_stop_nothing() {
    let mut unread = Unread::serve(&[]);

    for _ in 0..900 {
        TcpStream::connect(("127.0.0.1", unread.port)).unwrap();
    }

    let url = format!("https://127.0.0.1:{}", unread.port);
    assert_eq!(curl(&["-k", &url]), 0);
    assert_eq!(unread.end(), Some(0));
}

#[test]
fn request_lines_with_an_unread_stderr_stop_nothing() {
    let mut unread = Unread::serve(&["-v", "--http"]);
    let request = post(
        "/api/external/authentication/validation",
        r#"{"username":"test","password":"Test12345!"}"#,
    );
    let expected = Answer::worded(Kind::Sensor, Operation::Validation, Outcome::Authenticated);

    for _ in 0..1_200 {
        assert_eq!(ask(unread.port, &request), expected);
    }

    assert_eq!(unread.end(), Some(0));
}

/// `serve` with a full pipe as its stderr, which nobody reads.
struct Unread {
    child: Child,
    port: u16,
    _stderr: PipeReader,
}

impl Unread {
    fn serve(args: &[&str]) -> Unread {
        let (reader, mut writer) = io::pipe().unwrap();
        rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::NONBLOCK).unwrap();
        while writer.write(&[b'.'; 4096]).is_ok() {}
        rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::empty()).unwrap();
        let mut child = Command::new(PROGRAM)
            .args(["serve", "--kind", "sensor", "--listen", "127.0.0.1:0"])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(writer)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        Unread {
            child,
            port: ReadyLine::read(line.trim_end()).port(),
            _stderr: reader,
        }
    }

    fn end(&mut self) -> Option<i32> {
        rustix::process::kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
