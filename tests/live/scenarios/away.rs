//! Another address, another machine, a disk that is full, a folder that is gone.

use std::{fs, process, sync::Arc};

use crate::{
    fake::Running,
    scenarios::{Command, Scenario, locks::ROLES, play::Play},
};

pub(crate) fn rows() -> Vec<Scenario> {
    vec![
        Scenario::well("one appliance by two names")
            .killed(60, &[])
            .run(Command::At(by_name), BY_NAME, &[6], &["recover"]),
        Scenario::well("clear text at a port of HTTPS").tls().run(
            Command::At(|running| format!("http://{}", running.address)),
            &[],
            &[3],
            &["https://"],
        ),
        Scenario::well("HTTPS at a port of clear text").run(
            Command::At(|running| format!("https://{}", running.address)),
            &[],
            &[3],
            &["http://"],
        ),
        Scenario::well("a path that belongs to the API").run(
            Command::At(|running| format!("http://{}/api", running.address)),
            &[],
            &[2],
            &["/api"],
        ),
        Scenario::well("everything by TLS")
            .tls()
            .check(ROLES, &[0], &[]),
        Scenario::well("another machine takes the address")
            .tls()
            .lasting("the machine is another one")
            .killed(60, &[])
            .act(|play| play.running.replace_machine())
            .act(|play| play.running.fake.ledger().requests = 0)
            .recover(&[], &[6, 7], &["key"])
            .act(|play| play.has_sent(0)),
        Scenario::well("no lock file is left")
            .check(ROLES, &[0], &[])
            .act(|play| play.has_no_lock()),
        Scenario::well("a disk that is full from the start").act(|play| limited(play, 1)),
        Scenario::well("a disk that becomes full").act(|play| limited(play, 2)),
        Scenario::well("a disk that becomes full later").act(|play| limited(play, 6)),
        Scenario::well("a state folder that is deleted during the run")
            .act(|play| {
                let state = play.folder.path().join("state");
                play.running.fake.behave(Arc::new(move |exchange| {
                    if exchange.change == 3 {
                        drop(fs::remove_dir_all(&state));
                    }
                    exchange.answer().into()
                }));
            })
            .check(&[], &[0, 1, 6, 7], &["documented"]),
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
