//! A token that somebody else made: used as it is, and read again from its file when it is dead.

use anyhow::Result;
use serde_json::json;
use testkit::{Server, secret};
use vault_auth::{Credential, State, StaticToken};
use vault_http::{ErrorKind as Http, TokenSource as _};
use vault_kv::ErrorKind;

use super::{logs_in, revoke};
use crate::product::{Files, auth, kv_by, path, until, value};

#[tokio::test]
async fn a_token_is_used_as_it_is() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let token = fixture.token(json!({ "ttl": "5m" })).await?;
    logs_in(&fixture, &auth(&fixture, StaticToken::new(value(&token)))?).await?;
    let batch = fixture.token(json!({ "ttl": "5m", "type": "batch" })).await?;
    logs_in(&fixture, &auth(&fixture, StaticToken::new(value(&batch)))?).await
}

#[tokio::test]
async fn a_token_with_one_use_left_keeps_it_for_the_request() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("name", json!({ "key": "v" })).await?;
    let token = fixture.token(json!({ "ttl": "5m", "num_uses": 1 })).await?;
    let kv = kv_by(&fixture, &auth(&fixture, StaticToken::new(value(&token)))?)?;
    assert_eq!(kv.read(&path("name")?).await?.metadata.version, 1);
    let error = kv.read(&path("name")?).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exchange(Http::TokenInvalid), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_dead_token_is_replaced_by_what_its_file_then_holds() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("name", json!({ "key": "v" })).await?;
    let files = Files::new()?;
    let first = fixture.token(json!({ "ttl": "5m" })).await?;
    let file = files.write("token", &format!("{first}\n"))?;
    let kv = kv_by(&fixture, &auth(&fixture, StaticToken::new(Credential::File(file)))?)?;
    kv.read(&path("name")?).await?;

    files.write("token", &fixture.token(json!({ "ttl": "5m" })).await?)?;
    revoke(&fixture, &first).await?;
    kv.read(&path("name")?).await.map(drop)?;
    Ok(())
}

#[tokio::test]
async fn a_token_that_is_dead_or_was_none_is_refused() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("name", json!({ "key": "v" })).await?;
    let dead = fixture.token(json!({ "ttl": "5m" })).await?;
    revoke(&fixture, &dead).await?;
    let tokens = [
        (dead, Http::TokenInvalid),
        (secret("no-token"), Http::TokenInvalid),
        ("two\nlines".to_owned(), Http::LoginRefused),
    ];
    for (token, expected) in tokens {
        let kv = kv_by(&fixture, &auth(&fixture, StaticToken::new(value(&token)))?)?;
        let error = kv.read(&path("name")?).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exchange(expected), "{error}");
        fixture.watch.error(&error);
    }
    Ok(())
}

/// C1: a reload, or a token file that is rewritten with the same token.
#[tokio::test]
async fn unchanged_token_stays_active() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let files = Files::new()?;
    let token = fixture.token(json!({ "ttl": "5m" })).await?;
    let file = files.write("token", &token)?;
    for source in [StaticToken::new(value(&token)), {
        StaticToken::new(Credential::File(file)).with_lookup()
    }] {
        let auth = auth(&fixture, source)?;
        let generation = auth.token().await?.generation;
        auth.reload();
        files.write("token", &format!("{token}\n"))?;
        // Longer than it takes to see that a file has changed.
        let seen = tokio::time::Instant::now() + std::time::Duration::from_secs(6);
        until("the time in which a change is seen", async || {
            assert_eq!(auth.status().error.map(|error| error.kind()), None);
            Ok(tokio::time::Instant::now() > seen)
        })
        .await?;
        assert_eq!((auth.status().state, auth.status().generation), (State::Active, generation));
    }
    Ok(())
}
