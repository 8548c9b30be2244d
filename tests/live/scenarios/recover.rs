//! `recover`, with another accounts file, another journal, and an appliance that is in trouble.

use std::{fs, path::PathBuf};

use crate::{
    fake::Answer,
    scenarios::{Scenario, play::Play},
};

pub(crate) fn rows() -> Vec<Scenario> {
    vec![
        Scenario::well("another password in the file, which a person has set")
            .killed_behind_change()
            .lasting("a person set it")
            .act(|play| {
                play.running
                    .fake
                    .set_password("lab-analyst", "Of-A-Person-1!-2")
            })
            .edit("Lab-An-Passw0rd:1", "Of-A-Person-1!-2")
            .recover(&[], &[0], &[]),
        Scenario::well("a journal that does not exist")
            .killed_behind_change()
            .recover(
                &["nowhere.journal"],
                &[2],
                &["nowhere.journal", "journals/"],
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
        Scenario::well("an appliance that is silent at recover")
            .killed_behind_change()
            .behave(|_| Answer::Hang)
            .recover(&[], &[7], &["lab-analyst"]),
        Scenario::well("recover twice")
            .killed_behind_change()
            .recover(&[], &[0], &[])
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
    ]
}

impl Scenario {
    /// A run is killed right behind its first change of a password.
    fn killed_behind_change(self) -> Scenario {
        self.act(|play| {
            for request in 4.. {
                play.killed_at(request, CASE);
                if play.changed().len() == 1 {
                    return;
                }
                assert!(request < 60, "no run is killed behind a change");
                let recover = crate::scenarios::Command::Recover;
                play.command(recover, &[]).output().unwrap();
                play.forget_failures();
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
