//! The token: which requests need it, and how its file is created.

use std::os::unix::fs::PermissionsExt as _;

use anyhow::Result;
use http::Request;
use http_body_util::Full;
use serde_json::json;
use testkit::{Km, Server, secret};

use crate::serve::sidecar::Sidecar;

const PATHS: [(&str, &str); 14] = [
    ("GET", "/km/v1/secrets/ONE"),
    ("POST", "/km/v1/keys"),
    ("POST", "/km/v1/refresh"),
    ("DELETE", "/km/v1/keys/a"),
    ("GET", "/km/v1/status"),
    ("GET", "/metrics"),
    ("GET", "/nothing"),
    ("GET", "/"),
    ("PATCH", "/km/v1/secrets/ONE"),
    ("GET", "/v1/secret/data/ONE"),
    ("LIST", "/v1/secret/metadata"),
    ("PUT", "/v1/secret/data/ONE"),
    ("GET", "/v1/sys/health"),
    ("GET", "/v1/auth/token/lookup-self"),
];

#[tokio::test]
async fn request_without_the_token_is_rejected_at_every_path() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": secret("value") })).await?;
    let sidecar = Sidecar::of(&fixture).await?;
    let token = sidecar.token.clone().unwrap_or_default();
    let wrong = [
        None,
        Some(("x-vault-token", String::new())),
        Some(("x-vault-token", secret("other"))),
        Some(("x-vault-token", format!("{token}x"))),
        Some(("x-vault-token", token[1..].to_owned())),
        Some(("authorization", token.clone())),
        Some(("authorization", format!("Basic {token}"))),
        Some(("authorization", "Bearer".to_owned())),
        Some(("cookie", format!("token={token}"))),
    ];
    for header in wrong {
        for (method, path) in PATHS {
            let request = Request::builder().method(method).uri(path);
            let request = match &header {
                Some((name, value)) => request.header(*name, value),
                None => request,
            };
            let body = if method == "GET" { "" } else { r#"{"alias":"a","value":"v"}"# };
            let response = sidecar.send(request.body(Full::from(body))?).await?;
            assert_eq!(response.header("connection"), "close");
            // The Vault API responds as Vault does.
            if path.starts_with("/v1/") {
                let document = response.expect(403)?.json()?;
                assert_eq!(document, json!({ "errors": ["permission denied"] }), "{path}");
            } else {
                let document = response.expect(401)?.json()?;
                assert_eq!(document["error"]["kind"], "auth", "{path}: {document}");
            }
        }
    }
    sidecar.stop().await.map(drop)
}

#[tokio::test]
async fn token_is_accepted_in_either_header() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": "v" })).await?;
    let sidecar = Sidecar::of(&fixture).await?;
    let token = sidecar.token.clone().unwrap_or_default();
    for (name, value) in [
        ("x-vault-token", token.clone()),
        ("authorization", format!("Bearer {token}")),
        ("authorization", format!("bearer {token}")),
    ] {
        for path in ["/km/v1/secrets/ONE".to_owned(), format!("/v1/{}/data/ONE", fixture.mount)] {
            let request = Request::builder().uri(path).header(name, &value);
            sidecar.send(request.body(Full::default())?).await?.expect(200)?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn token_file_is_created_and_reused() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let base = || Km::new().env("HCP_VAULT_TOKEN", "t").env("XDG_RUNTIME_DIR", directory.path());
    let serve = || base().args(["serve", "--listen", "127.0.0.1:0"]);
    let mut tokens = Vec::new();
    for file in [directory.path().join("km.token"), directory.path().join("named")] {
        let named = file.ends_with("named");
        let km = || {
            let file = named.then_some(["--token-file".as_ref(), file.as_os_str()]);
            serve().args(file.into_iter().flatten())
        };
        let sidecar = Sidecar::run(km()).await?;
        let mode = std::fs::metadata(&file)?.permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        sidecar.get("/metrics").await?.expect(200)?;
        let token = sidecar.token.clone().unwrap_or_default();
        assert!(token.len() >= 32, "{} bytes", token.len());
        sidecar.stop().await?;
        // The next run uses the same token.
        let sidecar = Sidecar::run(km()).await?;
        assert_eq!(sidecar.token.as_ref(), Some(&token));
        sidecar.stop().await?;
        tokens.push(token);
    }
    assert_ne!(tokens[0], tokens[1]);
    Ok(())
}

#[tokio::test]
async fn running_without_a_token_requires_the_danger_option() -> Result<()> {
    let km = Km::new().env("HCP_VAULT_TOKEN", "t");
    let km = km.args(["serve", "--listen", "127.0.0.1:0", "--danger-no-token"]);
    let sidecar = Sidecar::run(km).await?;
    assert_eq!(sidecar.token, None);
    sidecar.get("/metrics").await?.expect(200)?;
    let both = ["serve", "--listen", "127.0.0.1:0", "--danger-no-token", "--token-file", "x"];
    Km::new().env("HCP_VAULT_TOKEN", "t").args(both).run().await?.expect(2)?;
    // Without a directory for the token file, no token can be created.
    let km = Km::new().env("HCP_VAULT_TOKEN", "t").args(["serve", "--listen", "127.0.0.1:0"]);
    km.run().await?.expect(2).map(drop)
}

#[tokio::test]
async fn listener_outside_loopback_is_rejected() -> Result<()> {
    let addresses =
        ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "localhost:0", ":0", "unix:", "127.0.0.1"];
    for address in addresses {
        for option in ["--listen", "--metrics"] {
            let km = Km::new().env("HCP_VAULT_TOKEN", "t").args(["serve", option, address]);
            let directory = tempfile::tempdir()?;
            let output = km.env("XDG_RUNTIME_DIR", directory.path()).run().await?.expect(2)?;
            assert!(output.stderr.contains("hint: "), "{}", output.stderr);
        }
    }
    Ok(())
}
