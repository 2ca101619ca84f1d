//! `vault-kv` against a real server. Each result is verified a second time by a client that shares
//! no code with it.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod cas;
mod deletion;
mod metadata;
mod mounts;
mod names;
mod reading;
mod sizes;
mod typed;
mod v1;
mod values;
mod version_one;
mod writing;

use std::fmt::Debug;

use anyhow::{Result, anyhow};
use testkit::{Fixture, Server};
use vault_kv::{Error, ErrorKind, Fields, Kv};

use crate::product::kv;

/// Returns a new fixture, and a client of the engine at its mount.
async fn engine() -> Result<(Fixture, Kv)> {
    let fixture = Server::shared().await?.fixture().await?;
    let kv = kv(&fixture)?;
    Ok((fixture, kv))
}

/// Fails unless `outcome` is an error of this kind. Its texts are searched for secrets.
fn fails<T: Debug>(
    fixture: &Fixture,
    expected: ErrorKind,
    outcome: Result<T, Error>,
) -> Result<Error> {
    match outcome {
        Ok(value) => Err(anyhow!("expected {expected:?}, got {value:?}")),
        Err(error) => {
            fixture.watch.error(&error);
            assert_eq!(error.kind(), expected, "{error}");
            Ok(error)
        }
    }
}

fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().fold(Fields::new(), |fields, (name, value)| fields.with(*name, *value))
}

/// Returns the fields as JSON, for comparison with a response of the server.
fn exposed(fields: &Fields) -> Result<serde_json::Value> {
    Ok(serde_json::to_value(fields.expose())?)
}
