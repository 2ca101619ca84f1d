//! The userpass method, with a password from a file or as a value.

use anyhow::Result;
use serde_json::json;
use testkit::{Server, secret, unique};
use vault_auth::{Credential, Userpass};
use vault_http::{ApiPath, ErrorKind};

use super::{logs_in, refused};
use crate::product::{Files, auth, value};

#[tokio::test]
async fn password_with_special_characters_and_a_final_space_logs_in() -> Result<()> {
    let server = Server::shared().await?;
    let fixture = server.fixture().await?;
    let mount = format!("users-{}", unique());
    server.must("POST", &format!("sys/auth/{mount}"), json!({ "type": "userpass" })).await?;
    let password = format!("{} \"quoted\" \\ %2e 'clé' \u{1f511}\t ", secret("password"));
    let user = json!({ "password": password, "token_policies": [fixture.policy] });
    server.must("POST", &format!("auth/{mount}/users/o.brien-1"), user).await?;

    let files = Files::new()?;
    let file = Credential::File(files.write("password", &format!("{password}\n"))?);
    let windows = Credential::File(files.write("windows", &format!("{password}\r\n"))?);
    let login = |user: &str, password: Credential| -> Result<_> {
        let method = Userpass::new(ApiPath::parse(user)?, password).mount(ApiPath::parse(&mount)?);
        auth(&fixture, method)
    };
    for password in [file, windows, value(&password)] {
        logs_in(&fixture, &login("o.brien-1", password)?).await?;
    }
    // Without the final space it is another password.
    for (user, password) in [("o.brien-1", password.trim_end()), ("nobody", &password)] {
        refused(&fixture, &login(user, value(password))?, ErrorKind::LoginRefused).await;
    }
    server.must("DELETE", &format!("sys/auth/{mount}"), None).await.map(drop)
}
