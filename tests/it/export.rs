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
#[case::format(&["openapi"], "a similar value exists: 'openapi3'")]
#[case::older_name(&["swagger"], "a similar value exists: 'openapi3'")]
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

/// Exports a fixture, and returns what is printed and what is noted.
fn export_of(format: &str, fixture: &str) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plant.yaml");
    fs::write(&file, fixture).unwrap();
    let end = Process::start(&["export", format, file.to_str().unwrap()]).end();
    assert_eq!(end.code, Some(0), "{}", end.err);
    (end.out, end.err)
}

/// Returns the outcomes of an archive, as status and last part of the path, and who is named by each request.
fn entries(archive: &str) -> Vec<(u64, String, Value)> {
    let archive: Value = serde_json::from_str(archive).unwrap();
    let entry = |entry: &Value| {
        let body = entry["request"]["postData"]["text"].as_str().unwrap();
        let url = entry["request"]["url"].as_str().unwrap();
        let operation = url.rsplit('/').next().unwrap().to_owned();
        let status = entry["response"]["status"].as_u64().unwrap();
        (status, operation, serde_json::from_str(body).unwrap())
    };
    let entries = archive["log"]["entries"].as_array().unwrap();
    entries.iter().map(entry).collect()
}

const ALL: [u64; 10] = [200, 401, 400, 200, 401, 400, 404, 403, 200, 401];
const NO_CHANGE: &str = ".password_replaced: no user whose password can be changed and restored";

/// `admin` is the one who changes others; nobody changes the admin.
#[rstest]
#[case::not_restorable("{ min_length: 10, classes: 3 }", "Test0987", "Rotate4Me", false)]
#[case::restorable("{ min_length: 8, classes: 3 }", "Test0987", "Rotate4Me!", true)]
#[case::long(
    "{ min_length: 30 }",
    "Test0987",
    "Rotate4Me!Rotate4Me!Rotate4Me!",
    true
)]
#[case::longer("{ min_length: 70, max_length: 90 }", "Test0987", LONG, true)]
#[case::other_symbols(
    "{ max_length: 9, classes: 4, symbols: '§' }",
    "Test0987",
    "Rotate4§",
    true
)]
fn no_change_stays(
    #[case] policy: &str,
    #[case] of_admin: &str,
    #[case] of_user: &str,
    #[case] is_complete: bool,
) {
    let users = format!(
        "[{{ username: admin, password: {of_admin}, role: admin }}, {{ username: svc, password: '{of_user}', role: read_only }}]"
    );
    let fixture = format!("appliance: sensor\npolicy: {policy}\nusers: {users}\n");
    let (archive, notes) = export_of("har", &fixture);
    let entries = entries(&archive);
    let statuses: Vec<u64> = entries.iter().map(|(status, ..)| *status).collect();
    let changes = |(status, operation, _): &&(u64, String, Value)| {
        *status == 200 && operation != "validation"
    };
    let mut changed = entries.iter().filter(changes).map(|(_, _, body)| body);
    if is_complete {
        assert_eq!(statuses, ALL, "{notes}");
        assert!(!notes.contains("left out"), "{notes}");
    } else {
        assert_eq!(statuses, [401, 400, 401, 400, 404, 403, 200, 401]);
        for operation in ["set_password", "set_password_by_admin"] {
            let note = format!("note: left out: {operation}{NO_CHANGE}\n");
            assert!(notes.contains(&note), "{notes}");
        }
    }
    assert!(changed.all(|body| body["username"] == "svc"), "{archive}");
    let last = entries
        .iter()
        .rfind(changes)
        .map(|(_, _, body)| &body["new_password"]);
    assert!(last.is_none_or(|last| last == of_user), "{archive}");
}

const LONG: &str =
    "Rotate4Me!Rotate4Me!Rotate4Me!Rotate4Me!Rotate4Me!Rotate4Me!Rotate4Me!Rotate4Me!";

#[test]
fn nobody_is_locked_out_by_an_export() {
    let lockout = "appliance: sensor\nlockout: { after: 1, scope: source, for: 15m }\n";
    let (archive, notes) = export_of("har", lockout);
    let statuses = entries(&archive).into_iter().map(|(status, ..)| status);
    assert_eq!(
        statuses.collect::<Vec<_>>(),
        [200, 400, 200, 400, 404, 403, 200]
    );
    assert_eq!(notes.matches("note: left out: ").count(), 3, "{notes}");
}

#[test]
fn an_administrator_alone_stays_as_it_is() {
    let fixture =
        "{ appliance: console, users: [{ username: root, password: Only-One-1, role: admin }] }";
    let (archive, notes) = export_of("har", fixture);
    let is_change =
        |(status, operation, _): &(u64, String, Value)| *status == 200 && operation != "validation";
    assert!(!entries(&archive).iter().any(is_change), "{archive}");
    assert!(notes.contains(NO_CHANGE), "{notes}");
}

#[rstest]
fn a_file_with_passwords_is_private(
    #[values("har", "hurl", "openapi2", "openapi3", "postman", "wiremock")] format: &str,
) {
    let folder = tempfile::tempdir().unwrap();
    let [file, output] = ["plant.yaml", "output"].map(|name| folder.path().join(name));
    let users = "[{ username: root, password: Secret-Root-1, role: admin }, { username: svc, password: Secret-Svc-2, role: security_analyst }]";
    fs::write(&file, format!("appliance: sensor\nusers: {users}\n")).unwrap();
    // What is replaced was open to all.
    fs::write(&output, "").unwrap();
    let paths = [&file, &output].map(|path| path.to_str().unwrap());
    let end = Process::start(&["export", format, paths[0], "--output", paths[1]]).end();

    let exported = fs::read_to_string(&output).unwrap();
    let has_passwords = !format.starts_with("openapi");
    assert_eq!(exported.contains("Secret-"), has_passwords);
    let note = format!("note: the file has the passwords of {}\n", paths[0]);
    assert_eq!(end.err.contains(&note), has_passwords, "{}", end.err);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&output).unwrap().permissions().mode();
        assert_eq!(mode & 0o077 == 0, has_passwords, "{mode:o}");
    }
}

#[test]
fn a_fleet_is_refused() {
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    fs::write(
        file.path(),
        "{ appliance: sensor, name: 's-{n}', replicas: 3 }",
    )
    .unwrap();
    let end = Process::start(&["export", "har", file.path().to_str().unwrap()]).end();
    assert_eq!((end.code, end.out.as_str()), (Some(2), ""));
    assert!(
        end.err.contains("several appliances, expected one"),
        "{}",
        end.err
    );
}
