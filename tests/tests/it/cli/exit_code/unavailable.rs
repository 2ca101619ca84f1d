//! Exit 4: the server is unavailable, or the response does not come from Vault.

use anyhow::Result;
use serde_json::json;
use testkit::{Km, Server, secret};

use crate::cli::common::{
    NAME, contains_all, fails, fails_as_json, file, km_against, km_with_token, writer,
};
use crate::cli::listener::{Replies, Reply, Scripted, Silent, closed_port};

#[tokio::test]
async fn closed_port_is_exit_4() -> Result<()> {
    let address = closed_port()?;
    for arguments in [&["read", NAME][..], &["list"], &["write", NAME], &["delete", NAME]] {
        let km = || km_against(&address).env("KM_ACCESS_MODE", "read_and_write").args(arguments);
        let stderr = fails(|| km().stdin("value"), 4, "unavailable").await?;
        contains_all(&stderr, &["cannot connect to the server", "HCP_VAULT_ADDR"])?;
    }
    Ok(())
}

#[tokio::test]
async fn sealed_or_stopped_server_is_exit_4() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    fixture.put(NAME, json!({ "key": secret("value") })).await?;
    let token = fixture.token(json!({})).await?;
    server.seal().await?;
    let km_with_token = || km_with_token(server.address(), &fixture.mount, &token);
    for km in [&(|| fixture.km()) as &dyn Fn() -> Km, &km_with_token] {
        let stderr = fails(|| km().args(["read", NAME]), 4, "unavailable").await?;
        contains_all(&stderr, &["sealed", "unseal the server"])?;
    }
    // A sealed server certainly did not execute the write.
    let km = || writer(&fixture).args(["write", NAME]).stdin(secret("new"));
    fails(km, 4, "unavailable").await?;
    server.stop().await?;
    let stderr = fails(|| fixture.km().args(["read", NAME]), 4, "unavailable").await?;
    contains_all(&stderr, &["cannot connect to the server"])
}

#[tokio::test]
async fn missing_response_within_the_deadline_is_exit_4() -> Result<()> {
    for deadline in ["300ms", "0.4", "1"] {
        let silent = Silent::new()?;
        let km = || km_against(&silent.address()).env("KM_DEADLINE", deadline);
        let started = tokio::time::Instant::now();
        let stderr = fails(|| km().args(["read", NAME]), 4, "unavailable").await?;
        contains_all(&stderr, &["timed out", "KM_DEADLINE"])?;
        // The command runs twice, and the machine may be under load.
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    }
    Ok(())
}

#[tokio::test]
async fn untrusted_or_missing_tls_is_exit_4() -> Result<()> {
    let server = Server::tls().await?;
    let (_directory, ca) = file(server.certs()?.ca())?;
    let ca = ca.display().to_string();
    let https = server.address();
    let plain = https.replace("https", "http");
    let shared = Server::shared().await?.address().replace("http:", "https:");
    let (trust, name) = (("KM_CA_CERT", ca.as_str()), ("KM_TLS_SERVER_NAME", "vault.example"));
    for (address, environment, why) in [
        (https, &[][..], "signed by an unknown authority"),
        (https, &[trust, name], "not valid for this host name"),
        (&plain, &[], "malformed response"),
        (&shared, &[trust], "does not speak TLS"),
    ] {
        let km = || {
            environment.iter().fold(km_against(address), |km, (name, value)| km.env(name, value))
        };
        let stderr = fails(|| km().args(["read", NAME]), 4, "unavailable").await?;
        contains_all(&stderr, &[why])?;
    }
    Ok(())
}

#[tokio::test]
async fn tls_certificate_of_a_configured_ca_is_trusted() -> Result<()> {
    let server = Server::tls().await?;
    let fixture = server.fixture().await?;
    let value = secret("value");
    fixture.put(NAME, json!({ "key": value })).await?;
    let (_directory, ca) = file(server.certs()?.ca())?;
    for variable in ["KM_CA_CERT", "VAULT_CACERT", "SSL_CERT_FILE"] {
        let km = fixture.km().env(variable, &ca).env("KM_TLS_SERVER_NAME", "localhost");
        assert_eq!(km.args(["read", NAME]).run().await?.expect(0)?.text()?, value, "{variable}");
    }
    Ok(())
}

#[tokio::test]
async fn response_that_is_not_from_vault_is_exit_4() -> Result<()> {
    const HALF_RESPONSE: &str =
        "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"data\":{\"data\":{\"key\":\"PLANTED-";
    const NOT_HTTP: &str = "PLANTED-nonsense\r\n\r\n";
    let replies: Replies<9> = [
        ("an HTML page", || Reply::html(200)),
        ("an HTML page with status 404", || Reply::html(404)),
        ("bad gateway", || Reply::html(502)),
        ("bad gateway in JSON", || Reply::Json(502, json!({ "errors": ["PLANTED-text"] }))),
        ("internal error", || Reply::Json(500, json!({ "errors": ["PLANTED-text"] }))),
        ("a redirect", || Reply::Json(307, json!({}))),
        ("the connection was closed", || Reply::Close),
        ("half a response", || Reply::Bytes(HALF_RESPONSE.into())),
        ("not HTTP", || Reply::Bytes(NOT_HTTP.into())),
    ];
    for (what, reply) in replies {
        let server = Scripted::new(move |_| reply())?;
        for arguments in [&["read", NAME][..], &["list"]] {
            let km = || km_against(&server.address()).args(arguments).args(["--log", "trace"]);
            let output = km().run().await?;
            assert_eq!((output.code, output.stdout.len()), (4, 0), "{what}: {}", output.stderr);
            let km = km_against(&server.address()).args(arguments).args(["--json"]);
            fails_as_json(km, 4, "unavailable").await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn persistent_rate_limit_is_exit_4() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let (server, quota) = (fixture.server(), format!("sys/quotas/rate-limit/{}", fixture.policy));
    fixture.put(NAME, json!({ "key": secret("value") })).await?;
    let limit = json!({ "path": format!("{}/", fixture.mount), "rate": 1, "interval": "1h" });
    server.must("POST", &quota, limit).await?;
    let mut limited = false;
    for _ in 0..100 {
        limited = limited || fixture.get(NAME).await?.0 == 429;
    }
    assert!(limited, "the quota has no effect");
    let km = || fixture.km().env("KM_DEADLINE", "2s");
    let stderr = fails(|| km().args(["read", NAME]), 4, "unavailable").await;
    server.must("DELETE", &quota, None).await?;
    contains_all(&stderr?, &["rate limit exceeded", "quota"])
}
