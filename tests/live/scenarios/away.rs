//! Another address, another machine, a disk that is full, a folder that is gone.

use std::process;

use crate::{
    fake::Running,
    scenarios::{Command, Scenario, locks::ROLES, play::Play},
};

pub(crate) fn rows() -> Vec<Scenario> {
    vec![
        Scenario::well("HTTPS at a port of clear text").run(
            Command::At(|running| format!("https://{}", running.address)),
            &[],
            &[3],
            &["http://"],
        ),
        Scenario::well("everything by TLS")
            .tls()
            .check(ROLES, &[0], &[]),
        Scenario::well("a disk that becomes full").act(|play| limited(play, 2)),
        Scenario::well("a disk that becomes full later").act(|play| limited(play, 6)),
    ]
}

fn by_name(running: &Running) -> String {
    format!("http://localhost:{}", running.address.port())
}

const BY_NAME: &[&str] = &["--change-passwords-on", "localhost"];

/// Runs `check` where no file may grow beyond so many blocks of 512 bytes, as on a disk that is full.
fn limited(play: &mut Play, blocks: u32) {
    let check = play.command(Command::Check, &["--report", "json"]);
    let script = format!("ulimit -f {blocks}; trap '' XFSZ; exec \"$0\" \"$@\"");
    let mut shell = process::Command::new("sh");
    shell
        .args(["-c", &script])
        .arg(check.get_program())
        .args(check.get_args())
        .current_dir(play.folder.path())
        .env("XDG_STATE_HOME", play.folder.path().join("state"))
        .env_remove("CI");
    let output = shell.output().unwrap();
    let (code, changed) = (output.status.code(), play.changed());
    let right = if changed.is_empty() {
        [Some(0), Some(2), Some(4), Some(6)].contains(&code)
    } else {
        code == Some(7)
    };
    if !right {
        play.wrong(
            &format!("exit code {code:?} on a full disk, changed are {changed:?}"),
            &output,
        );
    }
}
