//! The proof for programs: everything, in the form of `conformance/proof.schema.json`.

use schemars::generate::SchemaSettings;

use crate::report::{json, proof::Proof};

/// Writes a proof as JSON.
pub fn write(proof: &Proof) -> Vec<u8> {
    json::pretty(proof)
}

/// Returns the JSON Schema (draft 2020-12) of a proof.
pub fn schema() -> Vec<u8> {
    json::pretty(
        &SchemaSettings::draft2020_12()
            .for_serialize()
            .into_generator()
            .into_root_schema_for::<Proof>(),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::report::proof::sample;

    const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/conformance/proof.schema.json");

    #[test]
    fn the_schema_of_proofs_in_the_project_is_the_one_of_the_types() {
        let written = include_str!("../../../conformance/proof.schema.json");
        let stale = "is stale; write it anew: cargo test --lib the_schema_of_proofs_is_written_anew -- --ignored";
        assert!(
            written == String::from_utf8(schema()).unwrap(),
            "{FILE} {stale}"
        );
    }

    #[test]
    #[ignore = "writes into the project; run it after a change of the proof's types"]
    #[expect(clippy::disallowed_methods, reason = "this is how the file is made")]
    fn the_schema_of_proofs_is_written_anew() {
        std::fs::write(FILE, schema()).unwrap();
    }

    #[test]
    fn a_proof_is_what_the_schema_says() {
        let validator =
            jsonschema::validator_for(&serde_json::from_slice(&schema()).unwrap()).unwrap();
        let proof: Value = serde_json::from_slice(&write(&sample::failed())).unwrap();
        assert_eq!(
            validator
                .iter_errors(&proof)
                .map(|error| error.to_string())
                .collect::<Vec<_>>(),
            Vec::<String>::new()
        );
        assert!(!validator.is_valid(&serde_json::json!({ "version": 1 })));
    }
}
