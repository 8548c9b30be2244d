//! Fixtures as they are served: with the options of the command line, and each replica of a fleet by itself.

use crate::{
    appliance::User,
    cli::{
        console,
        error::{CliError, Result, read},
        mocks,
        mocks::Mock,
        serve::ServeArgs,
    },
    server::Registry,
};

/// Applies the options to fixtures, and refuses what cannot be served.
pub(super) fn prepare(
    mocks: Vec<Mock>,
    options: &ServeArgs,
    registry: &Registry,
) -> Result<Vec<Mock>> {
    // What holds of a thousand replicas is decided once.
    let sorts = mocks
        .into_iter()
        .enumerate()
        .flat_map(|(index, (path, fixture))| {
            let seed = registry.seed_of(&fixture);
            let sorts = fixture.sorts(seed);
            let with_path = move |(fixture, numbers)| ((path.clone(), fixture), (index, numbers));
            sorts.into_iter().map(with_path)
        });
    let (mut mocks, numbers): (Vec<Mock>, Vec<(usize, Vec<u32>)>) = sorts.unzip();
    for file in &options.failures {
        let (shown, bytes) = (file.display().to_string(), read(file)?);
        for (_, fixture) in &mut mocks {
            fixture.add_modes(&shown, &bytes)?;
        }
    }
    let profiles = options.readings.as_deref();
    mocks::configure(&mut mocks, profiles, &options.reading, &options.fail)?;
    for (_, fixture) in &mocks {
        registry.check_fixture(fixture).map_err(|error| {
            let hint = error.hint();
            CliError::usage(error).with_hint(hint)
        })?;
    }
    // The built-in passwords are printed in the documentation, and in the example requests.
    let own = mocks.iter().filter(|(_, fixture)| fixture.names_users);
    let users = own.flat_map(|(_, fixture)| fixture.state.directory.users());
    let users: Vec<&User> = users.collect();
    let names = users.iter().map(|user| user.username.as_str()).collect();
    console::hide(users.iter().map(|user| user.password.expose()), &names);
    let mut all = Vec::new();
    for ((path, fixture), (index, numbers)) in mocks.into_iter().zip(numbers) {
        let replica = |number| (index, (path.clone(), fixture.replica(number)));
        all.extend(numbers.into_iter().map(replica));
    }
    all.sort_by_key(|(index, (_, fixture))| (*index, fixture.replica));
    Ok(all.into_iter().map(|(_, mock)| mock).collect())
}
