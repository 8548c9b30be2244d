//! A run that panics: what it left changed is given back all the same.

use std::{future::Future, path::Path};

use crate::cli::{code, recover, talk::Talk};

/// Runs something in a task of its own. Where it panics, what its journal says is given back, and the exit code comes back.
#[expect(
    clippy::disallowed_methods,
    reason = "a panic ends the task, and not what gives back"
)]
pub(super) async fn rescued<T: Send + 'static>(
    run: impl Future<Output = T> + Send + 'static,
    journal: Option<&Path>,
    talk: &Talk,
) -> Result<T, u8> {
    match tokio::spawn(run).await {
        Ok(ended) => Ok(ended),
        Err(panic) => {
            talk.error(format!("the run ended early: {panic}"));
            let given = match journal.filter(|journal| journal.exists()) {
                Some(journal) => recover::one(journal, None, talk).await,
                None => code::GOOD,
            };
            Err(code::gravest(given, code::INTERNAL))
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use bytes::Bytes;
    use http::Request;

    use super::*;
    use crate::{
        cli::talk::{Colour, LogFormat},
        client::{Target, TargetOptions},
        conformance::{Account, Placeholder, Property},
        contract::Kind,
        fixture,
        runner::{
            Accounts, Named, Seed,
            undo::{Header, Journal, Key, Shelf},
        },
        server::RunningAppliance,
    };

    const OWN: &str = "Own-Passw0rd:12345";

    /// A change is sent, and then the run panics: with the seed of its journal the password is made up anew and changed back.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_a_panic_leaves_changed_is_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "appliance: sensor\nusers: [{{ username: lab, password: \"{OWN}\", role: read_only }}]\n"
        );
        let double =
            RunningAppliance::start(fixture::read("test.yaml", &text).unwrap().appliance(), None)
                .unwrap();
        let accounts = folder.path().join("lab.yaml");
        #[expect(clippy::disallowed_methods, reason = "accounts are a file")]
        std::fs::write(
            &accounts,
            format!("user: {{ username: lab, password: \"{OWN}\" }}\n"),
        )
        .unwrap();
        std::fs::set_permissions(&accounts, std::fs::Permissions::from_mode(0o600)).unwrap();
        let named = Named::load(&accounts, &|_| None).unwrap();
        let (seed, url) = (Seed::random(), double.url());
        let header = Header {
            version: 1,
            target: url.clone(),
            kind: Kind::Sensor.name().to_owned(),
            client: serde_json::json!({}),
            accounts,
            environment: Vec::new(),
        };
        let mut journal = Journal::begin(
            &Shelf::in_folder(folder.path()),
            &Key::of(&url.parse().unwrap()),
            header,
            &seed,
        )
        .unwrap();
        let path = journal.path().to_owned();
        let made = Placeholder {
            account: Account::User,
            property: Property::NewPassword,
        };
        let made = Accounts::at_a_target(&named.accounts, &seed)
            .value(made)
            .unwrap();
        let now = made.clone();
        let run = async move {
            journal
                .sending(
                    "a_case",
                    1,
                    [Account::User],
                    &["«user.new_password»".to_owned()],
                )
                .unwrap();
            let body = format!(r#"{{"username":"lab","password":"{OWN}","new_password":"{now}"}}"#);
            let request = Request::post("/api/external/authentication/set_password")
                .header("content-type", "application/json");
            Target::new(&url, &TargetOptions::default())
                .unwrap()
                .send(&request.body(Bytes::from(body)).unwrap())
                .await
                .unwrap();
            std::panic::resume_unwind(Box::new("in the middle of a case"));
        };
        let talk = Talk::new(Colour::Never, true, false, LogFormat::Text);
        let password = || {
            double
                .appliance()
                .state()
                .directory
                .find("lab")
                .unwrap()
                .password
                .expose()
                .to_owned()
        };
        let ended: Result<(), u8> = rescued(run, Some(&path), &talk).await;
        assert_eq!(ended, Err(code::INTERNAL));
        assert_eq!(password(), OWN, "it was {made}");
        assert!(!path.exists() && !path.with_extension("seed").exists());
    }
}
