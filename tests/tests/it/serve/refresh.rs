//! `km refresh` with a running sidecar.

use anyhow::Result;
use serde_json::json;
use testkit::{Fixture, Km, Server, secret, write_private};

use super::sidecar::Sidecar;
use crate::cli::common::{contains_all, fails};

/// Returns `km refresh` for a sidecar, without any setting of Vault.
fn km(sidecar: &Sidecar) -> Result<Km> {
    let file = sidecar.files.path().join("client-token");
    if !file.exists() {
        write_private(&file, sidecar.token.clone().unwrap_or_default())?;
    }
    let km = Km::new().env("KM_SERVE_ADDR", &sidecar.address).env("KM_SERVE_TOKEN_FILE", &file);
    Ok(km.args(["refresh"]))
}

async fn fixture() -> Result<Fixture> {
    Server::shared().await?.fixture().await
}

#[tokio::test]
async fn each_name_has_a_line_with_its_versions() -> Result<()> {
    let fixture = fixture().await?;
    let sidecar = Sidecar::of(&fixture).await?;
    km(&sidecar)?.run().await?.expect(0).map(|output| assert_eq!(output.stdout, b""))?;
    for name in ["A", "B"] {
        fixture.put(name, json!({ "key": secret("first") })).await?;
        sidecar.get(&format!("/km/v1/secrets/{name}")).await?.expect(200)?;
    }
    fixture.put("A", json!({ "key": secret("second") })).await?;
    fixture.put("C", json!({ "key": secret("value") })).await?;
    let names = ["B", "os.environ/A", "C"];
    let output = km(&sidecar)?.args(names).run().await?.expect(0)?;
    assert_eq!(output.text()?, "B version 1, unchanged\nA version 1 → 2\nC version 1\n");
    assert_eq!(output.stderr, "");
    // All names in memory. A repeat within a second has the same outcome.
    let output = km(&sidecar)?.run().await?.expect(0)?;
    assert_eq!(output.text()?, "A version 1 → 2\nB version 1, unchanged\nC version 1\n");
    let output = km(&sidecar)?.args(["--json", "A"]).run().await?.expect(0)?;
    let expected = json!({ "names": [
        { "name": "A", "version_before": 1, "version_after": 2, "error": null },
    ]});
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&output.stdout)?, expected);
    sidecar.stop().await.map(drop)
}

#[tokio::test]
async fn first_error_determines_the_exit_code() -> Result<()> {
    let fixture = fixture().await?;
    let sidecar = Sidecar::of(&fixture).await?;
    fixture.put("ONE", json!({ "key": secret("value") })).await?;
    fixture.put("NUMBER", json!({ "key": 7 })).await?;
    for (names, code) in [
        (&["ABSENT", "ONE", "litellm/alias"][..], 6),
        (&["litellm/alias", "ONE", "ABSENT"], 5),
        (&["ONE", "NUMBER", "ABSENT"], 8),
    ] {
        let output = km(&sidecar)?.args(names).run().await?.expect(code)?;
        assert_eq!(output.text()?, "ONE version 1\n", "{names:?}");
        contains_all(&output.stderr, &["km: ", "ABSENT", "hint: "])?;
        let json = km(&sidecar)?.args(["--json"]).args(names).run().await?.expect(code)?;
        let document: serde_json::Value = serde_json::from_slice(&json.stdout)?;
        assert_eq!(document["names"].as_array().map(Vec::len), Some(3));
        let error: serde_json::Value = serde_json::from_str(&json.stderr)?;
        assert!(error["error"]["message"].to_string().contains("ABSENT"), "{error}");
    }
    // Invalid names are reported together, and nothing is refreshed.
    let stderr = fails(|| km(&sidecar).unwrap().args(["ONE", "a//b", "../x"]), 2, "usage").await?;
    contains_all(&stderr, &["a//b", "../x"])
}

#[tokio::test]
async fn sidecar_that_is_not_usable_has_its_exit_code() -> Result<()> {
    let fixture = fixture().await?;
    let sidecar = Sidecar::of(&fixture).await?;
    let wrong = sidecar.files.path().join("wrong");
    write_private(&wrong, secret("another"))?;
    let with_token = |file: &std::path::Path| {
        let km = Km::new().env("KM_SERVE_TOKEN_FILE", file);
        km.args(["refresh", "ONE", "--server", &sidecar.address])
    };
    let stderr = fails(|| with_token(&wrong), 3, "auth").await?;
    contains_all(&stderr, &["KM_SERVE_TOKEN_FILE"])?;
    let socket = format!("unix:{}/none.sock", sidecar.files.path().display());
    for server in ["127.0.0.1:1", socket.as_str()] {
        let km = || Km::new().args(["refresh", "--server", server]);
        let stderr = fails(km, 4, "unavailable").await?;
        contains_all(&stderr, &["km serve", "--server"])?;
    }
    for server in ["10.0.0.1:8210", "vault.example:8210", "https://127.0.0.1:8210", ""] {
        fails(|| Km::new().args(["refresh", "--server", server]), 2, "usage").await?;
    }
    Ok(())
}

/// The sidecar responds, but Vault does not.
#[tokio::test]
async fn unavailable_vault_keeps_the_value_and_is_exit_four() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    let value = secret("value");
    fixture.put("ONE", json!({ "key": value })).await?;
    let km_serve = fixture.km().env("KM_DEADLINE", "1s");
    let sidecar = Sidecar::start(km_serve, &[]).await?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    server.seal().await?;
    for names in [&[][..], &["ONE"]] {
        let output = km(&sidecar)?.args(names).run().await?.expect(4)?;
        assert_eq!(output.text()?, "", "{names:?}");
        contains_all(&output.stderr, &["km: refresh ONE: ", "sealed", "hint: unseal the server"])?;
    }
    let response = sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?.json()?;
    assert_eq!(response["value"], json!(value));
    Ok(())
}
