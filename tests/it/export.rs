//! `export`: the same bytes each time, by the readings that are chosen, and what is wrong said at once. Other tools read the files in
//! `tests/clients`.

use std::{fs, path::Path, process::Command};

use d4iot_double::export::FORMATS;
use rstest::rstest;
use serde_json::Value;

use crate::process::{PROGRAM, Process};

fn export(args: &[&str]) -> String {
    let end = Process::start(&[&["export"], args].concat()).end();
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""), "{args:?}");
    end.out
}

#[rstest]
fn an_export_is_the_same_each_time(#[values("sensor", "console")] kind: &str) {
    let folder = tempfile::tempdir().unwrap();
    for format in FORMATS {
        let file = folder.path().join("new/folder").join(format.name);
        let args = [format.name, "--kind", kind];

        let (printed, again) = (export(&args), export(&args));
        let written = export(&[&args[..], &["--output", file.to_str().unwrap()]].concat());

        assert_eq!(printed, again, "{}", format.name);
        assert_eq!(written, "");
        assert_eq!(printed, fs::read_to_string(file).unwrap());
        let is_json = serde_json::from_str::<Value>(&printed).is_ok();
        assert_eq!(is_json, format.name != "hurl", "{}", format.name);
    }
}

#[test]
fn a_chosen_reading_stands_alone() {
    let both = "\"Authentication succeeded.\"";
    for format in ["openapi2", "openapi3", "postman"] {
        let (open, chosen) = (
            export(&[format]),
            export(&[format, "--reading", "X11=table"]),
        );
        let (open, chosen) = (open.replace('\\', ""), chosen.replace('\\', ""));
        assert!(open.contains(both) && !chosen.contains(both), "{format}");
    }
}

#[test]
fn every_documented_outcome_has_an_exchange() {
    for kind in ["sensor", "console"] {
        let archive: Value = serde_json::from_str(&export(&["har", "--kind", kind])).unwrap();
        let entries = archive["log"]["entries"].as_array().unwrap();
        let statuses: Vec<u64> = entries
            .iter()
            .map(|entry| entry["response"]["status"].as_u64().unwrap())
            .collect();
        assert_eq!(statuses, [200, 401, 400, 200, 401, 400, 404, 403, 200, 401]);

        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), archive.to_string()).unwrap();
        let judged =
            Process::start(&["judge", file.path().to_str().unwrap(), "--kind", kind]).end();
        let summary = "10 documented, 0 variant, 0 deviation";
        assert!(
            judged.code == Some(0) && judged.out.contains(summary),
            "{}",
            judged.out
        );
    }
}

#[rstest]
#[case::format(&["openapi"], "openapi3")]
#[case::reading(&["har", "--reading", "X11=tabel"], "did you mean `table`?")]
#[case::no_choice(&["har", "--reading", "X11"], "expected FACT=NAME")]
#[case::kind(&["har", "--kind", "senor"], "sensor")]
#[case::no_fixture(&["har", "missing.yaml"], "cannot read missing.yaml")]
#[case::several(&["har", concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures")], " fixtures, expected one")]
#[case::both(&["har", "a.yaml", "--kind", "console"], "cannot be used with")]
#[case::a_folder(&["har", "--output", "/"], "cannot write /: ")]
fn what_is_wrong_is_said(#[case] args: &[&str], #[case] expected: &str) {
    let output = Command::new(PROGRAM)
        .arg("export")
        .args(args)
        .current_dir(Path::new("/"))
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.contains(expected), "{err}");
}
