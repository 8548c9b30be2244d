//! The examples hold what they say: each is run as it stands.

#[path = "../../examples/quick_start.rs"]
mod quick_start;
#[path = "../../examples/rotation.rs"]
mod rotation;

#[test]
fn the_quick_start_runs() {
    quick_start::main().unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_lost_answer_reveals_the_bug_of_a_rotation_job_and_its_repair_survives() {
    rotation::main().unwrap_or_else(|error| panic!("{error}"));
}
