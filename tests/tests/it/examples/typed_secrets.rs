//! The program that changes a field of a typed secret.

use anyhow::Result;
use serde_json::json;
use testkit::{Fixture, Server};

use super::{Example, example};

const EXAMPLE: Example = example!("typed-secrets");

async fn run(fixture: &Fixture, password: &str) -> Result<String> {
    let server = fixture.server();
    let env = [("VAULT_ADDR", server.address()), ("VAULT_TOKEN", server.root_token())];
    EXAMPLE.output(&[&fixture.mount, "billing/database", password], &env).await
}

#[tokio::test]
async fn password_is_replaced_and_other_fields_are_kept() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let database = json!({ "host": "db", "port": 5432, "password": "old" });
    fixture.put("billing/database", database).await?;
    let printed = run(&fixture, "new").await?;
    assert_eq!(printed, "db:5432 has a new password, version 2\n");

    let path = format!("{}/data/billing/database", fixture.mount);
    let stored = fixture.server().must("GET", &path, None).await?;
    let expected = json!({ "host": "db", "port": 5432, "password": "new" });
    assert_eq!(stored["data"]["data"], expected);
    Ok(())
}

#[tokio::test]
async fn secret_of_another_shape_is_an_error_without_its_values() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let database = json!({ "host": "db", "port": "planted", "password": "planted" });
    fixture.put("billing/database", database).await?;
    let error = run(&fixture, "new").await.err().map(|error| error.to_string());
    let error = error.unwrap_or_default();
    assert!(error.contains("port") && !error.contains("planted"), "{error}");
    Ok(())
}

#[test]
fn readme_shows_the_program() {
    EXAMPLE.assert_shown_in(include_str!("../../../../crates/vault-kv/README.md"));
}
