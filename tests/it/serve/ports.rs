//! Fixtures and their ports.

use std::net::TcpListener;

use d4iot_double::contract::{Kind, Operation, Outcome};

use super::{Answer, Folder, ask, free_ports, post, refused};
use crate::process::Process;

#[test]
fn fixtures_take_consecutive_ports_unless_they_name_one() {
    let folder = Folder::new();
    let first = free_ports(4);
    for (name, listen) in [
        ("a", None),
        ("b", Some(first + 3)),
        ("c", None),
        ("d", None),
    ] {
        let listen = listen.map_or_else(String::new, |port| format!("listen: 127.0.0.1:{port}\n"));
        folder.write(
            &format!("{name}.yaml"),
            &format!("appliance: sensor\nname: {name}\n{listen}"),
        );
    }
    let mut process = Process::start(&[
        "serve",
        "--listen",
        &format!("127.0.0.1:{first}"),
        &folder.path(""),
    ]);
    let ports: Vec<(String, u16)> = process
        .ready(4)
        .into_iter()
        .map(|line| (line.name.clone(), line.port()))
        .collect();
    let expected = [
        ("a", first),
        ("b", first + 3),
        ("c", first + 1),
        ("d", first + 2),
    ];
    assert_eq!(ports, expected.map(|(name, port)| (name.to_owned(), port)));
}

#[test]
fn a_port_that_a_fixture_took_is_said_to_be_its() {
    let folder = Folder::new();
    let first = free_ports(2);
    let a = folder.write("a.yaml", "appliance: sensor\nname: a\n");
    let b = folder.write(
        "b.yaml",
        &format!(
            "appliance: sensor\nname: b\nlisten: 127.0.0.1:{}\n",
            first + 1
        ),
    );
    let c = folder.write("c.yaml", "appliance: sensor\nname: c\n");
    let end = Process::start(&[
        "serve",
        "--listen",
        &format!("127.0.0.1:{first}"),
        &a,
        &b,
        &c,
    ])
    .end();
    assert_eq!((end.code, end.out.as_str()), (Some(2), ""));
    assert!(
        end.err
            .contains(&format!("c cannot listen on 127.0.0.1:{}", first + 1))
            && end.err.contains("`b` of this start"),
        "{}",
        end.err
    );
}

#[test]
fn two_of_one_name_are_shown_in_both_places() {
    let folder = Folder::new();
    let a = folder.write("a.yaml", "appliance: sensor\nname: plant\n");
    let b = folder.write("b.yaml", "\nname: plant\nappliance: console\n");
    let end = refused(&[&a, &b]);
    assert!(
        end.err.contains(&format!("{a}:2:7")) && end.err.contains(&format!("{b}:2:7")),
        "{}",
        end.err
    );
}

#[test]
fn a_mistyped_key_is_pointed_at() {
    let folder = Folder::new();
    let file = folder.write(
        "plant.yaml",
        "appliance: sensor\nusers:\n  - { username: a, pasword: Canary-1, role: admin }\n",
    );
    let end = refused(&[&file]);
    assert!(
        end.err.contains(&format!("{file}:3:20")) && end.err.contains("did you mean `password`?"),
        "{}",
        end.err
    );
    assert!(!end.err.contains("Canary"), "{}", end.err);
}

#[test]
fn a_port_in_use_is_named_and_nothing_is_started() {
    let first = free_ports(2);
    let _taken = TcpListener::bind(("127.0.0.1", first + 1)).unwrap();
    let end = Process::start(&["serve", "--listen", &format!("127.0.0.1:{first}")]).end();
    assert_eq!((end.code, end.out.as_str()), (Some(2), ""));
    let expected = format!(
        "console cannot listen on 127.0.0.1:{}: Address already in use",
        first + 1
    );
    assert!(
        end.err.contains(&expected) && end.err.contains("--listen 127.0.0.1:0 takes any free port"),
        "{}",
        end.err
    );
    TcpListener::bind(("127.0.0.1", first)).unwrap();
}

#[test]
fn two_processes_at_once_are_two_appliances() {
    let ((_first, one), (_second, other)) = (
        Process::serve(1, &["--kind", "sensor", "--http"]),
        Process::serve(1, &["--kind", "sensor", "--http"]),
    );
    let change = post(
        "/api/external/authentication/set_password",
        r#"{"username":"test","password":"Test12345!","new_password":"Test54321!"}"#,
    );
    let expected = Answer::worded(
        Kind::Sensor,
        Operation::SetPassword,
        Outcome::PasswordReplaced,
    );
    // What was changed in the one is as it was in the other.
    assert_eq!(
        [ask(one[0].port(), &change), ask(other[0].port(), &change)],
        [expected.clone(), expected]
    );
}
