//! Lost responses, wrong clocks and unusual leases, which a real server does not produce on demand.

use anyhow::Result;
use serde_json::json;
use testkit::scripted::{self, Scripted, Step};
use testkit::{leaks, secret};
use vault_auth::{AppRole, Auth, State, TokenKind};
use vault_http::{ErrorKind as Http, TokenSource as _};

use crate::product::{client, until, value};

fn login(server: &Scripted) -> Result<Auth> {
    Ok(Auth::new(client(&server.url())?, AppRole::new(value("role"), value(&secret("id")))))
}

fn token(lease: i64) -> serde_json::Value {
    let auth = json!({
        "client_token": secret("token"), "lease_duration": lease, "renewable": true,
    });
    json!({ "auth": auth })
}

#[tokio::test]
async fn login_whose_response_is_lost_is_reported_and_repeated() -> Result<()> {
    let watch = leaks::watch();
    let server = Scripted::requests(|asked| match asked.number {
        0 => vec![Step::Close],
        1 => vec![Step::Reset],
        _ => scripted::json(200, token(3_600)).into(),
    });
    let server = server.start()?;
    let auth = login(&server)?;
    let error = auth.token().await.unwrap_err();
    assert_eq!(error.kind(), Http::Interrupted, "{error}");
    watch.error(&error);
    assert_eq!(auth.status().state, State::Degraded);
    until("a login", async || Ok(auth.token().await.is_ok())).await?;
    assert_eq!(server.record().total(), 3);
    Ok(())
}

#[tokio::test]
async fn renewal_whose_response_is_lost_is_repeated() -> Result<()> {
    let _watch = leaks::watch();
    let server = Scripted::requests(|asked| match asked.number {
        1 => vec![Step::Close],
        _ => scripted::json(200, token(10)).into(),
    });
    let server = server.start()?;
    let auth = login(&server)?;
    let first = auth.token().await?.generation;
    until("a renewal", async || Ok(auth.status().counts.renewals == 1)).await?;
    assert_eq!(auth.status().counts.failures, 1);
    assert_eq!(auth.token().await?.generation, first);
    Ok(())
}

#[tokio::test]
async fn wrong_server_clock_does_not_change_leases() -> Result<()> {
    let _watch = leaks::watch();
    for date in ["Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"] {
        let server = Scripted::requests(move |_| {
            let mut body = token(3_600);
            body["auth"]["expire_time"] = "1970-01-01T00:00:00Z".into();
            scripted::json(200, body).header("Date", date).into()
        });
        let server = server.start()?;
        let auth = login(&server)?;
        auth.ready().await?;
        let left = auth.status().expires_in.unwrap_or_default().as_secs();
        assert!((3_500..=3_570).contains(&left), "{left} s, {date}");
        assert_eq!(server.record().total(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn leases_without_an_end_and_of_ten_years_are_used_as_they_are() -> Result<()> {
    let _watch = leaks::watch();
    for (lease, kind) in [(0, TokenKind::Unlimited), (10 * 365 * 86_400, TokenKind::Renewable)] {
        let server = Scripted::requests(move |_| scripted::json(200, token(lease)).into());
        let server = server.start()?;
        let auth = login(&server)?;
        auth.ready().await?;
        let status = auth.status();
        assert_eq!((status.state, status.kind), (State::Active, Some(kind)), "{lease}");
        assert_eq!(status.expires_in.is_some(), lease > 0);
    }
    Ok(())
}
