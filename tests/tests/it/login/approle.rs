//! The AppRole method: its mount, its credentials and its refusals.

use anyhow::Result;
use serde_json::json;
use testkit::{Fixture, FixtureSpec, Server, secret, unique};
use vault_auth::{AppRole, Credential};
use vault_http::{ApiPath, ErrorKind};

use super::{logs_in, refused, replaces_a_revoked_token};
use crate::product::{Files, approle, auth, value};

#[tokio::test]
async fn approle_at_any_mount_path_logs_in() -> Result<()> {
    let server = Server::shared().await?;
    for auth_mount in
        [None, Some(format!("roles-{}", unique())), Some(format!("team/a_b-{}", unique()))]
    {
        let fixture = server.fixture_with(FixtureSpec { auth_mount, ..Default::default() }).await?;
        logs_in(&fixture, &auth(&fixture, approle(&fixture)?)?).await?;
    }
    Ok(())
}

#[tokio::test]
async fn ids_in_files_with_a_final_newline_log_in() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let files = Files::new()?;
    let role_id = files.write("role-id", &format!("{}\n", fixture.role_id))?;
    let secret_id = files.write("secret-id", &format!("  {}\r\n", fixture.secret_id))?;
    let role = AppRole::new(Credential::File(role_id), Credential::File(secret_id));
    logs_in(&fixture, &auth(&fixture, role)?).await
}

#[tokio::test]
async fn secret_id_replaced_in_its_file_is_used_by_the_next_login() -> Result<()> {
    // Each secret ID is good for one login.
    let spec = FixtureSpec { role: Some(json!({ "secret_id_num_uses": 1 })), ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    let files = Files::new()?;
    let file = files.write("secret-id", &fixture.secret_id)?;
    let role = AppRole::new(value(&fixture.role_id), Credential::File(file));
    let auth = auth(&fixture, role.mount(ApiPath::parse(&fixture.auth_mount)?))?;
    logs_in(&fixture, &auth).await?;

    let next = secret("next");
    let place = format!("auth/{}/role/{}/custom-secret-id", fixture.auth_mount, fixture.role);
    fixture.server().must("POST", &place, json!({ "secret_id": next })).await?;
    files.write("secret-id", &next)?;
    replaces_a_revoked_token(&fixture, &auth).await?;
    logs_in(&fixture, &auth).await
}

#[tokio::test]
async fn wrong_role_id_or_secret_id_is_login_refused() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let check = async |mount: &str, role_id: &str, secret_id: &str| -> Result<()> {
        let role = AppRole::new(value(role_id), value(secret_id)).mount(ApiPath::parse(mount)?);
        refused(&fixture, &auth(&fixture, role)?, ErrorKind::LoginRefused).await;
        Ok(())
    };
    let Fixture { auth_mount, role_id, secret_id, .. } = &fixture;
    check(auth_mount, role_id, &secret("wrong")).await?;
    check(auth_mount, role_id, " ").await?;
    check(auth_mount, &unique(), secret_id).await?;
    check(&format!("nowhere-{}", unique()), role_id, secret_id).await?;
    check("token", role_id, secret_id).await?;
    // The role still works.
    logs_in(&fixture, &auth(&fixture, approle(&fixture)?)?).await
}

#[tokio::test]
async fn refused_secret_id_is_tried_once_and_does_not_lock_the_role_out() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let wrong = AppRole::new(value(&fixture.role_id), value(&secret("wrong")));
    let wrong = auth(&fixture, wrong.mount(ApiPath::parse(&fixture.auth_mount)?))?;
    // The server locks a role out after five failed logins.
    for _ in 0..10 {
        refused(&fixture, &wrong, ErrorKind::LoginRefused).await;
    }
    logs_in(&fixture, &auth(&fixture, approle(&fixture)?)?).await
}

/// C5
#[tokio::test]
async fn role_without_a_secret_id_logs_in_with_its_role_id_alone() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let role = format!("auth/{}/role/{}", fixture.auth_mount, fixture.role);
    let unbound = json!({ "bind_secret_id": false, "token_bound_cidrs": ["0.0.0.0/0"] });
    fixture.server().must("POST", &role, unbound).await?;
    let role = AppRole::without_secret_id(value(&fixture.role_id));
    logs_in(&fixture, &auth(&fixture, role.mount(ApiPath::parse(&fixture.auth_mount)?))?).await
}
