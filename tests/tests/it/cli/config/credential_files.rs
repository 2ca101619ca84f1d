//! Credentials, CA certificates and client certificates from files.

use anyhow::Result;
use serde_json::json;
use testkit::{Certs, Km, Server, secret};

use crate::cli::common::{NAME, contains_all, file, km_with_token, rejected};

fn with_token_file(km: Km, path: &std::path::Path) -> Km {
    km.env_remove("HCP_VAULT_TOKEN").env("KM_TOKEN_FILE", path)
}

#[tokio::test]
async fn token_file_may_end_with_white_space() -> Result<()> {
    let server = Server::shared().await?;
    let fixture = server.fixture().await?;
    let value = secret("value");
    fixture.put(NAME, json!({ "key": value })).await?;
    let token = fixture.token(json!({})).await?;
    for ending in ["", "\n", "\r\n", "\n\n", "  \n"] {
        let (_directory, path) = file(format!("{token}{ending}"))?;
        let km = with_token_file(km_with_token(server.address(), &fixture.mount, ""), &path);
        let output = km.args(["read", NAME, "--log", "trace"]).run().await?.expect(0)?;
        assert_eq!(output.text()?, value, "{ending:?}");
    }
    Ok(())
}

#[tokio::test]
async fn approle_credentials_are_read_from_files() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put(NAME, json!({ "key": "value" })).await?;
    let (_directory, role_id) = file(format!("{}\n", fixture.role_id))?;
    let (_other_directory, secret_id) = file(format!("{}\n", fixture.secret_id))?;
    let km = fixture
        .km()
        .env_remove("HCP_VAULT_APPROLE_ROLE_ID")
        .env_remove("HCP_VAULT_APPROLE_SECRET_ID")
        .env("KM_APPROLE_ROLE_ID_FILE", &role_id)
        .env("KM_APPROLE_SECRET_ID_FILE", &secret_id);
    assert_eq!(km.args(["read", NAME]).run().await?.expect(0)?.text()?, "value");
    Ok(())
}

#[tokio::test]
async fn unusable_credential_file_is_rejected_before_any_request() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let missing = directory.path().join("missing");
    let (_a, empty) = file("")?;
    let (_b, blank) = file("\n")?;
    let (_c, binary) = file(b"\xff\xfe")?;
    let (_d, large) = file("a".repeat(70_000))?;
    for (path, why) in [
        (missing.as_path(), "cannot be read"),
        (directory.path(), "not a regular file"),
        (&empty, "empty"),
        (&blank, "empty"),
        (&binary, "UTF-8"),
        (&large, "64 KiB"),
    ] {
        let expected = [path.display().to_string(), why.to_owned()];
        let expected: Vec<_> = expected.iter().map(String::as_str).collect();
        let stderr =
            rejected("settings", |km| with_token_file(km, path).args(["read", NAME])).await?;
        contains_all(&stderr, &expected)?;
        let stderr = rejected("settings", |km| {
            km.env_remove("HCP_VAULT_TOKEN")
                .env("HCP_VAULT_APPROLE_ROLE_ID", "role")
                .env("KM_APPROLE_SECRET_ID_FILE", path)
                .args(["read", NAME])
        })
        .await?;
        contains_all(&stderr, &expected)?;
    }
    Ok(())
}

#[tokio::test]
async fn credential_given_twice_is_rejected() -> Result<()> {
    let (_directory, path) = file("token")?;
    let stderr = rejected("settings", |km| km.env("KM_TOKEN_FILE", &path).args(["list"])).await?;
    contains_all(&stderr, &["HCP_VAULT_TOKEN", "KM_TOKEN_FILE"])
}

#[tokio::test]
async fn unusable_client_certificate_is_rejected() -> Result<()> {
    let certs = Certs::new()?;
    let (one, other) = (certs.client("one")?, certs.client("other")?);
    let (_a, certificate) = file(&one.certificate)?;
    let (_b, key) = file(&one.key)?;
    let (_c, foreign) = file(&other.key)?;
    let (_d, garbage) = file("PLANTED-garbage")?;
    let missing = std::path::PathBuf::from("/nonexistent/client.pem");
    for (certificate, key, why) in [
        (&missing, &key, "/nonexistent/client.pem"),
        (&certificate, &missing, "/nonexistent/client.pem"),
        (&certificate, &foreign, "do not match"),
        (&garbage, &key, "certificate"),
        (&certificate, &garbage, "private key"),
        (&key, &certificate, "certificate"),
    ] {
        let stderr = rejected("settings", |km| {
            km.env_remove("HCP_VAULT_TOKEN")
                .env("HCP_VAULT_CLIENT_CERT", certificate)
                .env("HCP_VAULT_CLIENT_KEY", key)
                .args(["read", NAME])
        })
        .await?;
        contains_all(&stderr, &[why, "HCP_VAULT_CLIENT_CERT", "HCP_VAULT_CLIENT_KEY"])?;
    }
    let stderr = rejected("settings", |km| {
        km.env_remove("HCP_VAULT_TOKEN")
            .env("HCP_VAULT_CLIENT_CERT", "/nonexistent/client.pem")
            .env("HCP_VAULT_CLIENT_KEY", "/nonexistent/client.key")
            .args(["list"])
    })
    .await?;
    contains_all(&stderr, &["/nonexistent/client.pem", "/nonexistent/client.key"])
}

#[tokio::test]
async fn unusable_ca_certificate_is_rejected() -> Result<()> {
    let (_a, garbage) = file("PLANTED-garbage")?;
    let (_b, empty) = file("")?;
    let broken = "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n";
    let (_c, broken) = file(broken)?;
    for variable in ["KM_CA_CERT", "VAULT_CACERT", "SSL_CERT_FILE"] {
        for path in [std::path::Path::new("/nonexistent/ca.pem"), &garbage, &empty, &broken] {
            let stderr = rejected("settings", |km| {
                let at =
                    km.env_remove("HCP_VAULT_ADDR").env("HCP_VAULT_ADDR", "https://127.0.0.1:1");
                at.env(variable, path).args(["read", NAME])
            })
            .await?;
            contains_all(&stderr, &["KM_CA_CERT", &path.display().to_string()])?;
        }
    }
    Ok(())
}
