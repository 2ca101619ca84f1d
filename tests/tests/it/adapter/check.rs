//! `check` finds each problem at its step, and changes nothing.

use anyhow::Result;
use km_proxy_adapter::{CheckResult, CheckStatus, ErrorKind, KeyManager};
use serde_json::json;
use testkit::{Engine, Fixture, FixtureSpec, Server, secret};

use super::{keys, shows_nothing};

/// A step and its outcome. A warning is `Ok(false)`.
type Seen = (&'static str, Result<bool, ErrorKind>);

const WELL: Result<bool, ErrorKind> = Ok(true);
const WARNING: Result<bool, ErrorKind> = Ok(false);
const WRITER: (&str, &str) = ("KM_ACCESS_MODE", "read_and_write");

fn text(finding: &CheckResult) -> String {
    match &finding.status {
        CheckStatus::Ok => finding.detail.clone(),
        CheckStatus::Warning(hint) => format!("{}: {hint}", finding.detail),
        CheckStatus::Failed(error) => error.message(),
    }
}

/// Asserts that the results have these outcomes, and together contain these texts.
async fn check(
    fixture: &Fixture,
    keys: &KeyManager,
    expected: &[Seen],
    texts: &[&str],
) -> Result<()> {
    let findings = keys.check().await;
    let shown: Vec<_> = findings.iter().map(text).collect();
    let seen: Vec<Seen> = findings
        .iter()
        .map(|finding| match &finding.status {
            CheckStatus::Ok => (finding.step, WELL),
            CheckStatus::Warning(_) => (finding.step, WARNING),
            CheckStatus::Failed(error) => {
                shows_nothing(fixture, error);
                assert!(error.hint().is_some(), "{}", error.message());
                (finding.step, Err(error.kind()))
            }
        })
        .collect();
    assert_eq!(seen, expected, "{shown:#?}");
    fixture.watch.text("the findings", &format!("{findings:?} {shown:?}"));
    for text in texts {
        assert!(shown.iter().any(|line| line.contains(text)), "{text}: {shown:#?}");
    }
    Ok(())
}

#[tokio::test]
async fn valid_setup_passes_all_steps() -> Result<()> {
    let server = Server::shared().await?;
    for under in [None, Some("teams/team-a")] {
        let under_it = under.map(str::to_owned);
        let spec = FixtureSpec {
            under: under_it.clone(),
            login_namespace: under_it,
            ..Default::default()
        };
        let fixture = server.fixture_with(spec).await?;
        let head = under.map(|under| format!("{under}/")).unwrap_or_default();
        let location = [
            ("HCP_VAULT_NAMESPACE", under.unwrap_or_default()),
            ("HCP_VAULT_MOUNT_NAME", fixture.mount.trim_start_matches(&head)),
            WRITER,
        ];
        let keys = keys(&fixture, &location).await?;
        let expected = [
            ("settings", WELL),
            ("server", WELL),
            ("login", WELL),
            ("mount", WELL),
            ("rights", WELL),
        ];
        let rights = format!("delete on {}/data/OPENAI_API_KEY", fixture.mount);
        check(&fixture, &keys, &expected, &["AppRole", &fixture.policy, &rights]).await?;
        let names = format!("{}/metadata", fixture.mount);
        assert_eq!(server.api("LIST", &names, None).await?.0, 404, "nothing is written");
    }
    Ok(())
}

#[tokio::test]
async fn missing_capabilities_are_named() -> Result<()> {
    let policy = |mount: &str| {
        format!(
            r#"path "{mount}/data/*" {{ capabilities = ["read", "create"] }}
            path "{mount}/data/B" {{ capabilities = ["deny"] }}"#
        )
    };
    let spec = FixtureSpec { policy: Some(policy), ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    let denied = Err(ErrorKind::Denied);
    let first = [("settings", WELL), ("server", WELL), ("login", WELL), ("mount", WELL)];
    for (settings, rights, texts) in [
        (&[("KM_HOSTED_KEYS", "A")][..], &[("rights", WELL)][..], &["read on"][..]),
        (&[("KM_HOSTED_KEYS", "A,B")], &[("rights", WELL), ("rights", denied)], &["lacks read on"]),
        (&[WRITER], &[("rights", denied)], &["lacks update, delete on"]),
        (&[("KM_ACCESS_MODE", "write_only")], &[("rights", denied)], &["lacks update, delete on"]),
    ] {
        let keys = keys(&fixture, settings).await?;
        check(&fixture, &keys, &[&first[..], rights].concat(), texts).await?;
    }
    Ok(())
}

#[tokio::test]
async fn settings_without_requests_need_no_capabilities() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let keys = keys(&fixture, &[("KM_HOSTED_KEYS", "")]).await?;
    // An empty list may be a mistake.
    let expected = [
        ("settings", WELL),
        ("settings", WARNING),
        ("server", WELL),
        ("login", WELL),
        ("mount", WELL),
        ("rights", WELL),
    ];
    check(&fixture, &keys, &expected, &["KM_HOSTED_KEYS", "no capabilities"]).await
}

#[tokio::test]
async fn missing_mount_is_found() -> Result<()> {
    let server = Server::shared().await?;
    let spec = FixtureSpec { engine: Engine::V1, ..Default::default() };
    let one = server.fixture_with(spec).await?;
    let fixture = server.fixture().await?;
    let beside = |mount: &str| format!(r#"path "{mount}*" {{ capabilities = ["read", "list"] }}"#);
    let spec = FixtureSpec { policy: Some(beside), ..Default::default() };
    let allowed = server.fixture_with(spec).await?;
    let inside = format!("{}/inside", fixture.mount);
    let gone = format!("{}-gone", fixture.mount);
    let allowed_gone = format!("{}-gone", allowed.mount);
    for (fixture, settings, mount, rights, text) in [
        (&one, &[][..], Err(ErrorKind::StoredValue), WELL, "version 1"),
        (
            &fixture,
            &[("HCP_VAULT_MOUNT_NAME", inside.as_str())],
            Err(ErrorKind::NotFound),
            WELL,
            "exactly",
        ),
        (
            &fixture,
            &[("HCP_VAULT_MOUNT_NAME", gone.as_str())],
            Err(ErrorKind::Denied),
            Err(ErrorKind::Denied),
            "lacks read on",
        ),
        (
            &allowed,
            &[("HCP_VAULT_MOUNT_NAME", allowed_gone.as_str())],
            Err(ErrorKind::NotFound),
            WELL,
            "no secrets engine",
        ),
    ] {
        let keys = keys(fixture, settings).await?;
        let expected = [
            ("settings", WELL),
            ("server", WELL),
            ("login", WELL),
            ("mount", mount),
            ("rights", rights),
        ];
        check(fixture, &keys, &expected, &[text]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn refused_login_is_the_last_step() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let wrong = secret("wrong");
    let expected = [("settings", WELL), ("server", WELL), ("login", Err(ErrorKind::Auth))];
    for settings in [
        &[("HCP_VAULT_APPROLE_SECRET_ID", wrong.as_str())][..],
        &[("HCP_VAULT_APPROLE_ROLE_ID", "nobody")],
        &[("HCP_VAULT_APPROLE_MOUNT_PATH", "nowhere")],
        // A given token is looked up, because no login has tested it.
        &[("KM_AUTH_METHOD", "token"), ("HCP_VAULT_TOKEN", &wrong)],
    ] {
        check(&fixture, &keys(&fixture, settings).await?, &expected, &[]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn token_is_described_by_policies_and_ttl() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let token = fixture.token(json!({ "ttl": "5m" })).await?;
    let bare = fixture.token(json!({ "ttl": "5m", "no_default_policy": true })).await?;
    let root = fixture.server().must("POST", "auth/token/create", json!({ "ttl": "5m" })).await?;
    let root = root["auth"]["client_token"].as_str().unwrap_or_default();
    for (token, login, rights, text) in [
        (token.as_str(), WELL, WELL, "the token expires in"),
        (&bare, WELL, WARNING, "may not look itself up"),
        (root, WARNING, WELL, "root"),
    ] {
        let settings = [("KM_AUTH_METHOD", "token"), ("HCP_VAULT_TOKEN", token)];
        let expected = [
            ("settings", WELL),
            ("server", WELL),
            ("login", login),
            ("mount", WELL),
            ("rights", rights),
        ];
        check(&fixture, &keys(&fixture, &settings).await?, &expected, &[text]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn sealed_or_unreachable_server_is_the_last_step() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    let keys = keys(&fixture, &[]).await?;
    let expected = [("settings", WELL), ("server", Err(ErrorKind::Unavailable))];
    server.seal().await?;
    check(&fixture, &keys, &expected, &["sealed"]).await?;
    server.kill().await?;
    check(&fixture, &keys, &expected, &["cannot connect to the server"]).await
}

#[tokio::test]
async fn untrusted_server_is_the_last_step() -> Result<()> {
    let server = Server::tls().await?;
    let fixture = server.fixture().await?;
    let files = crate::product::Files::new()?;
    let ours = files.write("ours.pem", &server.certs()?.ca())?;
    let other = files.write("other.pem", &testkit::Certs::new()?.ca())?;
    let expected = [("settings", WELL), ("server", Err(ErrorKind::Unavailable))];
    let stranger = keys(&fixture, &[("KM_CA_CERT", &other.to_string_lossy())]).await?;
    check(&fixture, &stranger, &expected, &["TLS handshake failed"]).await?;
    let name = ("KM_TLS_SERVER_NAME", "vault.example.com");
    let named = keys(&fixture, &[("KM_CA_CERT", &ours.to_string_lossy()), name]).await?;
    check(&fixture, &named, &expected, &["TLS handshake failed"]).await
}
