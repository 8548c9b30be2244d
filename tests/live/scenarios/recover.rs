//! `recover`, with another accounts file, another journal, and an appliance that is in trouble.

use std::{fs, path::PathBuf, sync::Arc};

use rustix::process::Signal;

use crate::{
    fake::Answer,
    scenarios::{Scenario, play::Play},
};

pub(crate) fn rows() -> Vec<Scenario> {
    vec![
        Scenario::well("another user name in the file")
            .killed_behind_change()
            .edit("username: lab-analyst", "username: svc")
            .recover(&[], &[7], &["lab-analyst", "svc"])
            .changed(&["lab-analyst"])
            .edit("username: svc", "username: lab-analyst")
            .recover(&[], &[0], &[])
            .changed(&[]),
        Scenario::well("another password in the file")
            .killed_behind_change()
            .edit("Lab-An-Passw0rd:1", "Of-A-Person-1!-2")
            .recover(
                &[],
                &[7],
                &["lab-analyst", "another password than in the run"],
            )
            .changed(&["lab-analyst"])
            .edit("Of-A-Person-1!-2", "Lab-An-Passw0rd:1")
            .recover(&[], &[0], &[])
            .changed(&[]),
        Scenario::well("another password in the file, which a person has set")
            .killed_behind_change()
            .lasting("a person set it")
            .act(|play| {
                play.running
                    .fake
                    .set_password("lab-analyst", "Of-A-Person-1!-2")
            })
            .edit("Lab-An-Passw0rd:1", "Of-A-Person-1!-2")
            .recover(
                &[],
                &[0],
                &["lab.yaml, as a validation shows: nothing was set"],
            ),
        // What would keep the second `recover` from failing twice as well is removed here.
        Scenario::well("a password that a person has set since the kill")
            .row(4)
            .killed_behind_change()
            .lasting("a person set it")
            .act(|play| {
                play.running
                    .fake
                    .set_password("lab-analyst", "Of-A-Person-1!-2")
            })
            .recover(&[], &[7], &["lab-analyst", "somebody else"])
            .act(|play| play.has_password("lab-analyst", "Of-A-Person-1!-2"))
            .act(|play| play.forget_failures())
            .recover(&["--set-password-from-file"], &[0], &[])
            .changed(&[]),
        Scenario::well("no failed sign-in is left at recover")
            .killed_behind_change()
            .act(|play| play.fail_elsewhere(2))
            .recover(
                &[],
                &[0],
                &["`lab-analyst` is restored", "whether somebody else"],
            )
            .changed(&[]),
        Scenario::well("another password in the file, to be set")
            .killed_behind_change()
            .lasting("a person asked for it")
            .edit("Lab-An-Passw0rd:1", "Of-A-Person-1!-2")
            .recover(
                &["--set-password-from-file"],
                &[0],
                &["`lab-analyst` is set to the one of "],
            )
            .act(|play| play.has_password("lab-analyst", "Of-A-Person-1!-2")),
        Scenario::well("a protected user in the file at recover")
            .killed_behind_change()
            .edit("username: lab-analyst", "username: root")
            .recover(&[], &[6, 7], &["lab-analyst"])
            .changed(&["lab-analyst"])
            .edit("username: root", "username: lab-analyst"),
        Scenario::well("an accounts file that has moved")
            .killed_behind_change()
            .act(|play| play.rename("lab.yaml", "moved.yaml"))
            .recover(
                &[],
                &[7],
                &["lab.yaml", "if the file has moved, with --accounts FILE"],
            )
            .recover(&["--accounts", "moved.yaml"], &[0], &[])
            .changed(&[]),
        Scenario::well("a journal that does not exist")
            .killed_behind_change()
            .recover(
                &["nowhere.journal"],
                &[2],
                &["nowhere.journal", "journals/"],
            ),
        Scenario::well("a variable that is not set, of a user not at risk")
            .killed_behind_change()
            .edit(
                r#"password: "Lab-By-Passw0rd:1""#,
                "password_env: D4IOT_UNSET",
            )
            .recover(&[], &[0], &[])
            .changed(&[])
            .edit(
                "password_env: D4IOT_UNSET",
                r#"password: "Lab-By-Passw0rd:1""#,
            ),
        Scenario::well("an accounts file that others may read, at recover")
            .killed_behind_change()
            .act(|play| {
                let path = play.folder.path().join("lab.yaml");
                let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
                fs::set_permissions(path, open).unwrap();
            })
            .recover(&[], &[2, 7], &["chmod 600"])
            .edit("Lab-An", "Lab-An"),
        Scenario::well("an appliance that refuses all sign-ins at recover")
            .row(3)
            .killed_behind_change()
            .behave(|exchange| {
                if exchange.operation.is_some() {
                    exchange.refuse_sign_in().into()
                } else {
                    exchange.answer().into()
                }
            })
            .recover(&[], &[7], &["password of admin (boss)", "lab-analyst"]),
        Scenario::well("an appliance that refuses all sign-ins at recover, five times")
            .lasting("failures of the last 15 minutes count")
            .killed_behind_change()
            .row(3)
            .behave(|exchange| {
                if exchange.operation.is_some() {
                    exchange.refuse_sign_in().into()
                } else {
                    exchange.answer().into()
                }
            })
            .recover(&[], &[7], &[])
            .recover(&[], &[6, 7], &[])
            .recover(&[], &[6, 7], &[])
            .recover(&[], &[6, 7], &[])
            .recover(&[], &[6, 7], &[]),
        Scenario::well("an appliance that is silent at recover")
            .killed_behind_change()
            .behave(|_| Answer::Hang)
            .recover(&[], &[7], &["lab-analyst"]),
        Scenario::well("recover twice")
            .tls()
            .killed_behind_change()
            .recover(
                &[],
                &[0],
                &["`lab-analyst` is restored", ".journal is done"],
            )
            .act(|play| play.has_no_lock())
            .recover(&[], &[0], &[])
            .changed(&[]),
        Scenario::well("a run before recover")
            .killed_behind_change()
            .act(|play| play.running.fake.ledger().requests = 0)
            .check(&[], &[6], &["recover"])
            .act(|play| play.has_sent(0)),
        Scenario::well("a journal that is torn at its end")
            .killed_behind_change()
            .act(|play| {
                let journal = journal(play);
                let mut text = fs::read(&journal).unwrap();
                text.extend(b"{\"sen");
                fs::write(journal, text).unwrap();
            })
            .recover(&[], &[0], &[]),
        // Only its user can restore it, who must know the password of the form that was found.
        Scenario::well("short passwords, and no administrator")
            .fixture("-Passw0rd:1", "-Pw1")
            .accounts("-Passw0rd:1", "-Pw1")
            .accounts(
                "admin: { username: boss, password: \"Boss-Password-12345\" }",
                "policy: { min_length: 8 }",
            )
            .fixture("policy: product_16", "policy: { max_length: 12 }")
            .killed_behind_change()
            .edit("min_length: 8", "min_length: 20")
            .recover(&[], &[0], &[])
            .changed(&[]),
        Scenario::well("a journal that cannot be removed")
            .killed_behind_change()
            .act(|play| {
                let seed = journal(play).with_extension("seed");
                fs::remove_file(&seed).unwrap();
                fs::create_dir(seed).unwrap();
            })
            .recover(
                &["--set-password-from-file"],
                &[7],
                &["but closing the journal", "--discard"],
            )
            .changed(&[]),
        Scenario::well("a seed that is gone")
            .killed_behind_change()
            .lasting("the seed is gone")
            .act(|play| {
                let journals = journal(play).parent().unwrap().to_owned();
                for entry in fs::read_dir(journals).unwrap() {
                    let path = entry.unwrap().path();
                    if path.extension().is_none_or(|ending| ending == "seed") {
                        fs::remove_file(path).unwrap();
                    }
                }
            })
            .recover(&[], &[0, 7], &["lab-analyst"]),
    ]
}

impl Scenario {
    /// A run is killed right behind its first change of a password.
    fn killed_behind_change(self) -> Scenario {
        self.act(|play| {
            play.running.fake.behave(Arc::new(|exchange| {
                let before = exchange.password(exchange.username());
                let answer = exchange.answer();
                if exchange.change > 0 && exchange.password(exchange.username()) != before {
                    exchange.fake.signal(Signal::KILL);
                }
                answer.into()
            }));
            // No request has this number: the appliance kills by itself.
            play.killed_at(0, CASE);
            play.running
                .fake
                .behave(Arc::new(|exchange| exchange.answer().into()));
            if play.changed().len() != 1 {
                play.note("no run was killed behind a change");
            }
        })
    }
}

const CASE: &[&str] = &[
    "--timeout",
    "300ms",
    "--case",
    "set_password.role.security_analyst",
];

/// The journal that is open.
fn journal(play: &Play) -> PathBuf {
    let folder = play.folder.path().join("state/d4iot-double/journals");
    let entries = fs::read_dir(folder).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    let is_journal = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "journal");
    paths.find(is_journal).unwrap()
}
