//! `HCP_VAULT_ADDR`: normalization and rejected values.

use anyhow::Result;
use serde_json::json;
use testkit::{Km, Server, secret};

use crate::cli::common::{NAME, contains_all, fails, km_against, rejected};
use crate::cli::listener::{Reply, Scripted};

fn with_address(km: Km, address: &str) -> Km {
    km.env_remove("HCP_VAULT_ADDR").env("HCP_VAULT_ADDR", address)
}

#[tokio::test]
async fn address_is_trimmed_of_white_space_and_slashes() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let value = secret("value");
    fixture.put(NAME, json!({ "key": value })).await?;
    let address = fixture.server().address();
    for address in [
        format!(" {address} "),
        format!("{address}/"),
        format!("{address}//"),
        format!("\t{address}/ \n"),
        address.replace("http", "HTTP"),
        address.replace("127.0.0.1", "localhost"),
    ] {
        let output =
            with_address(fixture.km(), &address).args(["read", NAME]).run().await?.expect(0)?;
        assert_eq!(output.text()?, value, "{address:?}");
    }
    Ok(())
}

#[tokio::test]
async fn base_path_of_the_address_prefixes_every_request() -> Result<()> {
    let missing = json!({ "errors": ["no handler for route"] });
    let server = Scripted::new(move |_| Reply::Json(404, missing.clone()))?;
    let km = with_address(km_against(""), &format!("{}/vault/", server.address()));
    km.args(["read", NAME]).run().await?.expect(6)?;
    assert_eq!(
        server.requests().first().map(String::as_str),
        Some("GET /vault/v1/secret/data/OPENAI_API_KEY")
    );
    Ok(())
}

#[tokio::test]
async fn invalid_address_is_rejected_and_not_printed() -> Result<()> {
    for (make, why) in [
        (
            (|at: &str| format!("http://user:PLANTED-password@{at}")) as fn(&str) -> String,
            "user info",
        ),
        (|at| format!("http://PLANTED-user@{at}"), "user info"),
        (|at| format!("http://{at}?token=PLANTED-token"), "query"),
        (|at| format!("http://{at}/?token=PLANTED-token"), "query"),
        (|at| format!("http://{at}#PLANTED-fragment"), "fragment"),
        (|at| format!("ftp://{at}"), "https://"),
        (|at| at.to_owned(), "https://"),
        (|at| format!("http://{at}/base/../v1"), "base path"),
        (|at| format!("http://{at}/%2e%2e"), "base path"),
        (|_| "http://".to_owned(), "host"),
        (|_| "http://127.0.0.1:PLANTED-port".to_owned(), "host and port"),
        (|_| "http://127.0.0.1:65536".to_owned(), "host and port"),
        (|_| "http://vault.example.com".to_owned(), "not loopback"),
        (|_| "http://192.0.2.1:8200".to_owned(), "not loopback"),
        (|_| "http://localhost.example.com".to_owned(), "not loopback"),
    ] {
        let silent = crate::cli::listener::Silent::new()?;
        let address = silent.address();
        let address = make(address.trim_start_matches("http://"));
        for arguments in [&["read", NAME][..], &["list"]] {
            let km = || with_address(km_against(""), &address).args(arguments);
            let stderr = fails(km, 2, "settings").await?;
            contains_all(&stderr, &["km: settings: HCP_VAULT_ADDR", why])?;
        }
        assert_eq!(silent.connections()?, 0, "{why}");
    }
    Ok(())
}

#[tokio::test]
async fn unspecified_address_is_not_loopback() -> Result<()> {
    for address in ["http://0.0.0.0:8200", "http://[::]:8200"] {
        let stderr = rejected("settings", |km| with_address(km, address).args(["list"])).await?;
        contains_all(&stderr, &["not loopback", "KM_DANGER_PLAINTEXT"])?;
    }
    Ok(())
}

#[tokio::test]
async fn plain_http_to_another_host_requires_the_danger_setting() -> Result<()> {
    let server = Scripted::new(|_| Reply::Json(404, json!({ "errors": [] })))?;
    let address = format!("http://0.0.0.0:{}", server.port());
    let km =
        |choice: &str| with_address(km_against(""), &address).env("KM_DANGER_PLAINTEXT", choice);
    for choice in ["false", "0", ""] {
        km(choice).args(["list"]).run().await?.expect(2)?;
    }
    assert!(server.requests().is_empty());
    km("true").args(["list"]).run().await?.expect(0)?;
    assert!(!server.requests().is_empty());
    let stderr = rejected("settings", |km| km.env("KM_DANGER_PLAINTEXT", "perhaps").args(["list"]));
    contains_all(&stderr.await?, &["KM_DANGER_PLAINTEXT"])
}

#[tokio::test]
async fn proxy_variables_are_ignored() -> Result<()> {
    let proxy = Scripted::new(|_| Reply::html(200))?;
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put(NAME, json!({ "key": secret("value") })).await?;
    let names =
        ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "VAULT_PROXY_ADDR"];
    let km = names.iter().fold(fixture.km(), |km, name| km.env(name, proxy.address()));
    km.args(["read", NAME]).run().await?.expect(0)?;
    assert!(proxy.requests().is_empty());
    Ok(())
}

#[tokio::test]
async fn redirect_to_another_origin_is_not_followed() -> Result<()> {
    let other = Scripted::new(|_| Reply::Json(200, json!({})))?;
    let head = "HTTP/1.1 307 Played\r\nContent-Length: 0\r\nLocation:";
    let answer = format!("{head} {}/v1/secret/data/{NAME}\r\n\r\n", other.address());
    let server = Scripted::new(move |_| Reply::Bytes(answer.clone().into_bytes()))?;
    let stderr =
        fails(|| km_against(&server.address()).args(["read", NAME]), 4, "unavailable").await?;
    contains_all(&stderr, &["redirect"])?;
    assert!(other.requests().is_empty(), "the token was sent to another origin");
    Ok(())
}
