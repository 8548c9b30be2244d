//! Any bytes as a fixture, and as a file of failure modes: read or refused with a place, and what is read can be served.

pub(crate) fn run(data: &[u8]) {
    let mut none = |_: &str| Err(std::io::Error::other("there are no files"));
    match d4iot_double::fixture::read_file("fuzz.yaml", data, &mut none) {
        Ok(fixture) => {
            let _ = (
                fixture.appliance(),
                fixture.schedule(7),
                fixture.to_string(),
                fixture.check_transport(false),
            );
        }
        Err(error) => assert!(
            error.to_string().contains("fuzz.yaml:"),
            "an error has its place: {error}"
        ),
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = d4iot_double::fixture::read_modes("fuzz.yaml", text);
    }
}
