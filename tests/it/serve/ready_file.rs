//! The path of the ready file: a link, a FIFO, a device.

use std::{
    fs,
    os::unix::fs::{FileTypeExt, symlink},
    path::Path,
    thread,
    time::Instant,
};

use d4iot_double::cli::ready::Ready;
use rustix::{
    fs::{CWD, FileType, Mode, makedev, mkfifoat, mknodat},
    process::Signal,
};

use super::Folder;
use crate::process::{Process, SOON};

#[test]
fn a_ready_file_goes_through_a_symbolic_link() {
    let folder = Folder::new();
    symlink("real.json", folder.path("link.json")).unwrap();
    let (process, _) = Process::serve(2, &["--ready-file", &folder.path("link.json")]);
    assert_eq!(folder.names(), ["link.json", "real.json"]);

    process.signal(Signal::TERM);

    assert_eq!(process.end().code, Some(0));
    assert_eq!(folder.names(), ["link.json"]);
}

#[test]
fn a_ready_file_goes_into_a_fifo() {
    let folder = Folder::new();
    let path = folder.path("fifo");
    mkfifoat(CWD, &path, Mode::RWXU).unwrap();
    let reader = thread::spawn({
        let path = path.clone();
        move || fs::read_to_string(path).unwrap()
    });
    let (process, _) = Process::serve(2, &["--ready-file", &path]);
    let ready: Ready = serde_json::from_str(&reader.join().unwrap()).unwrap();
    assert_eq!(ready.appliances.len(), 2);

    process.signal(Signal::TERM);

    assert_eq!(process.end().code, Some(0));
    assert_eq!(folder.names(), ["fifo"]);
}

#[test]
fn a_fifo_without_a_reader_leaves_signals_in_force() {
    let folder = Folder::new();
    let path = folder.path("fifo");
    mkfifoat(CWD, &path, Mode::RWXU).unwrap();
    let ca = folder.path("ca.pem");
    let listen = ["--listen", "127.0.0.1:0"];
    let files = ["--ca-out", &ca, "--ready-file", &path];
    let process = Process::start(&[&["serve"], &listen[..], &files[..]].concat());
    // The CA is written first.
    let deadline = Instant::now() + SOON;
    while !Path::new(&ca).exists() && Instant::now() < deadline {
        thread::yield_now();
    }

    process.signal(Signal::TERM);

    assert_eq!(process.end().code, Some(0));
    assert_eq!(folder.names(), ["ca.pem", "fifo"]);
}

#[test]
fn a_device_stays_a_device() {
    let folder = Folder::new();
    let path = folder.path("device");
    // Only root may make one, and not everywhere; never the machine's own.
    let null = makedev(1, 3);
    if mknodat(CWD, &path, FileType::CharacterDevice, Mode::RWXU, null).is_err()
        || fs::write(&path, "").is_err()
    {
        return;
    }
    let (process, _) = Process::serve(2, &["--ready-file", &path, "--ca-out", &path]);

    process.signal(Signal::TERM);

    assert_eq!(process.end().code, Some(0));
    assert!(
        fs::symlink_metadata(&path)
            .unwrap()
            .file_type()
            .is_char_device()
    );
}

#[test]
fn an_old_ready_file_is_gone_before_fixtures_are_read() {
    let folder = Folder::new();
    let path = folder.path("ready.json");
    let (process, _) = Process::serve(2, &["--ready-file", &path]);
    let text = fs::read_to_string(&path).unwrap();
    process.signal(Signal::KILL);
    process.end();
    assert_eq!(folder.names(), ["ready.json"], "nobody removed it");

    let end = Process::start(&["serve", "missing.yaml", "--ready-file", &path]).end();

    assert_eq!(end.code, Some(2), "{}", end.err);
    assert!(folder.names().is_empty());
    // What is not such a file stays until there is one to write.
    let other = folder.write("notes.txt", "mine");
    let end = Process::start(&["serve", "missing.yaml", "--ready-file", &other]).end();
    assert_eq!(end.code, Some(2), "{}", end.err);
    assert_eq!(fs::read_to_string(&other).unwrap(), "mine");
    assert!(text.contains("appliances"));
}
