//! Refreshes in the native API.

use anyhow::Result;
use http_body_util::Full;
use serde_json::{Value, json};
use testkit::{Server, secret};
use tokio::time::{Duration, sleep};

use crate::relay::Relay;
use crate::serve::client::Response;
use crate::serve::sidecar::Sidecar;

const PATH: &str = "/km/v1/refresh";

/// Longer than the time within which a repeat has the previous outcome.
const NEXT: Duration = Duration::from_millis(1_050);

async fn refresh(sidecar: &Sidecar, body: Value) -> Result<Value> {
    let response = sidecar.call("POST", PATH, body).await?.expect(200)?;
    assert_eq!(response.header("cache-control"), "no-store");
    response.json()
}

/// Returns an outcome without an error.
fn refreshed(name: &str, before: Option<u64>, after: Option<u64>) -> Value {
    json!({ "name": name, "version_before": before, "version_after": after, "error": null })
}

fn expect_error(response: &Response, kind: &str) -> Result<()> {
    assert_eq!(response.json()?["error"]["kind"], kind, "{}", response.text);
    Ok(())
}

#[tokio::test]
async fn names_and_all_names_are_refreshed() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let sidecar = Sidecar::of(&fixture).await?;
    assert_eq!(refresh(&sidecar, json!({})).await?, json!({ "names": [] }), "nothing in memory");
    for name in ["A", "B", "litellm/alias"] {
        fixture.put(name, json!({ "key": secret("first") })).await?;
        let path = format!("/v1/{}/data/{name}", fixture.mount);
        sidecar.get(&path).await?.expect(200)?;
    }
    let rotated = secret("second");
    fixture.put("A", json!({ "key": rotated })).await?;
    let names = json!({ "names": ["A", "os.environ/B", "A"] });
    let a = refreshed("A", Some(1), Some(2));
    let b = refreshed("B", Some(1), Some(1));
    assert_eq!(refresh(&sidecar, names).await?, json!({ "names": [a, b, a] }));
    let response = sidecar.get("/km/v1/secrets/A").await?.expect(200)?.json()?;
    assert_eq!((&response["value"], &response["source"]), (&json!(rotated), &json!("cache")));
    // A repeat within a second has the previous outcome. Virtual keys are not provider secrets.
    for body in [json!({}), Value::Null] {
        let body = (!body.is_null()).then_some(body);
        let response = sidecar.call("POST", PATH, body).await?.expect(200)?;
        assert_eq!(response.json()?, json!({ "names": [a, b] }));
    }
    assert_eq!(refresh(&sidecar, json!({ "names": [] })).await?, json!({ "names": [] }));
    sidecar.stop().await.map(drop)
}

#[tokio::test]
async fn name_that_fails_does_not_affect_the_others() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": secret("value") })).await?;
    fixture.put("NUMBER", json!({ "key": 1 })).await?;
    let sidecar = Sidecar::of(&fixture).await?;
    let names = json!({ "names": ["ABSENT", "litellm/alias", "ONE", "NUMBER", "KM_CONFIG"] });
    let response = refresh(&sidecar, names).await?;
    let kinds = response["names"].as_array().expect("a list").iter();
    let kinds: Vec<_> = kinds.map(|name| name["error"]["kind"].as_str()).collect();
    let expected = ["not_found", "denied", "", "stored_value", "not_found"];
    assert_eq!(kinds, expected.map(|kind| (!kind.is_empty()).then_some(kind)));
    assert_eq!(response["names"][2], refreshed("ONE", None, Some(1)));
    let error = response["names"][1]["error"].as_object().expect("an error");
    let fields: Vec<_> = error.keys().map(String::as_str).collect();
    assert_eq!(fields, ["hint", "kind", "message"]);
    Ok(())
}

#[tokio::test]
async fn invalid_request_is_rejected_and_nothing_is_sent() -> Result<()> {
    let server = Server::shared().await?;
    let fixture = server.fixture().await?;
    let relay = Relay::to(server.address(), "").await?;
    let sidecar = Sidecar::start(fixture.km().env("HCP_VAULT_ADDR", relay.address()), &[]).await?;
    sidecar.get("/km/v1/secrets/ABSENT").await?.expect(404)?;
    let requests = relay.requests();
    let many = vec!["A"; 10_001];
    for body in [
        json!([]),
        json!("A"),
        json!({ "names": null }),
        json!({ "names": "A" }),
        json!({ "names": [1] }),
        json!({ "name": ["A"] }),
        json!({ "names": ["A"], "all": true }),
        json!({ "names": many }),
        json!({ "names": ["A", ""] }),
        json!({ "names": ["A", "a//b"] }),
        json!({ "names": ["../A"] }),
        json!({ "names": ["oidc/google"] }),
        json!({ "names": ["A\u{0}"] }),
        json!({ "names": ["x".repeat(513)] }),
    ] {
        let text = body.to_string();
        let response = sidecar.call("POST", PATH, body).await?;
        assert_eq!(response.status, 400, "{text:.80}: {}", response.text);
        expect_error(&response, "usage")?;
    }
    let response = sidecar.call("POST", PATH, json!({ "names": ["a//b", "../A"] })).await?;
    let message = response.json()?["error"]["message"].to_string();
    assert!(message.contains("a//b") && message.contains("../A"), "not all: {message}");
    let large = json!({ "names": ["x".repeat(1024 * 1024)] });
    expect_error(&sidecar.call("POST", PATH, large).await?.expect(413)?, "usage")?;
    for method in ["GET", "PUT", "DELETE"] {
        expect_error(&sidecar.call(method, PATH, None).await?.expect(405)?, "usage")?;
    }
    assert_eq!(relay.requests(), requests);
    Ok(())
}

#[tokio::test]
async fn thousand_names_are_refreshed_in_one_request() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let sidecar = Sidecar::start(fixture.km().env("KM_DEADLINE", "9s"), &[]).await?;
    let names: Vec<_> = (0..1_000).map(|number| format!("NAME_{number}")).collect();
    let response = refresh(&sidecar, json!({ "names": names })).await?;
    let outcomes = response["names"].as_array().expect("a list");
    assert_eq!(outcomes.len(), 1_000);
    for (name, outcome) in names.iter().zip(outcomes) {
        assert_eq!(
            (&outcome["name"], &outcome["error"]["kind"]),
            (&json!(name), &json!("not_found"))
        );
    }
    Ok(())
}

#[tokio::test]
async fn concurrent_refreshes_share_one_request_to_vault() -> Result<()> {
    let server = Server::shared().await?;
    let fixture = server.fixture().await?;
    fixture.put("ONE", json!({ "key": secret("value") })).await?;
    let relay = Relay::to(server.address(), "").await?;
    let sidecar = Sidecar::start(fixture.km().env("HCP_VAULT_ADDR", relay.address()), &[]).await?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    let requests = relay.requests();
    let body = || json!({ "names": ["ONE"] });
    let (one, two, three) = tokio::join!(
        refresh(&sidecar, body()),
        refresh(&sidecar, json!({})),
        sidecar.get("/km/v1/secrets/ONE?refresh=true"),
    );
    let expected = json!({ "names": [refreshed("ONE", Some(1), Some(1))] });
    assert_eq!((one?, two?), (expected.clone(), expected));
    three?.expect(200)?;
    assert_eq!(relay.requests() - requests, 1);
    Ok(())
}

#[tokio::test]
async fn read_with_a_refresh_returns_the_current_version() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let sidecar = Sidecar::of(&fixture).await?;
    let [first, second, third] = [secret("first"), secret("second"), secret("third")];
    let read = async |query: &str| -> Result<Value> {
        let response = sidecar.get(&format!("/km/v1/secrets/ONE{query}")).await?.expect(200)?;
        let mut document = response.json()?;
        document["age_seconds"].take();
        Ok(document)
    };
    let document = |value: &str, version: u64, source: &str| {
        json!({
            "value": value, "version": version, "age_seconds": null, "stale": false, "source": source,
        })
    };
    fixture.put("ONE", json!({ "key": first })).await?;
    assert_eq!(read("?refresh=true").await?, document(&first, 1, "vault"), "not cached yet");
    fixture.put("ONE", json!({ "key": second })).await?;
    assert_eq!(read("").await?, document(&first, 1, "cache"));
    assert_eq!(read("?refresh=false").await?, document(&first, 1, "cache"));
    assert_eq!(read("?unless_version=2").await?, document(&first, 1, "cache"));
    sleep(NEXT).await;
    assert_eq!(read("?unless_version=1").await?, document(&second, 2, "vault"));
    assert_eq!(read("?unless_version=1").await?, document(&second, 2, "cache"));
    fixture.put("ONE", json!({ "key": third })).await?;
    sleep(NEXT).await;
    assert_eq!(read("?refresh=true&unless_version=1").await?, document(&second, 2, "cache"));
    assert_eq!(read("?refresh=true").await?, document(&third, 3, "vault"));
    assert_eq!(read("?refresh=true").await?, document(&third, 3, "cache"), "a repeat");
    sidecar.stop().await.map(drop)
}

#[tokio::test]
async fn read_with_a_refresh_fails_like_a_read() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("NUMBER", json!({ "key": 1 })).await?;
    fixture.put("ONE", json!({ "key": secret("value") })).await?;
    let sidecar = Sidecar::start(fixture.km(), &[]).await?;
    for (name, status, kind) in [
        ("ABSENT", 404, "not_found"),
        ("NUMBER", 422, "stored_value"),
        ("litellm/alias", 403, "denied"),
        ("a//b", 400, "usage"),
        ("KM_CONFIG", 404, "not_found"),
    ] {
        for query in ["refresh=true", "unless_version=1"] {
            let path = format!("/km/v1/secrets/{name}?{query}");
            expect_error(&sidecar.get(&path).await?.expect(status)?, kind)?;
        }
    }
    for query in [
        "refresh=1",
        "refresh=yes",
        "refresh=TRUE",
        "refresh=",
        "refresh",
        "refresh=true&refresh=true",
        "refresh=false&unless_version=1",
        "unless_version=",
        "unless_version=-1",
        "unless_version=1.0",
        "unless_version=x",
        "unless_version=18446744073709551616",
        "version=1",
        "Refresh=true",
        "other",
    ] {
        let path = format!("/km/v1/secrets/ONE?{query}");
        expect_error(&sidecar.get(&path).await?.expect(400)?, "usage")?;
    }
    sidecar.get("/km/v1/secrets/ONE?").await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn failed_refresh_returns_the_old_value_and_its_error() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    let value = secret("value");
    fixture.put("ONE", json!({ "key": value })).await?;
    let km = fixture.km().env("KM_DEADLINE", "1s").env("KM_ACCESS_MODE", "read_and_write");
    let sidecar = Sidecar::start(km, &[]).await?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    server.seal().await?;
    for query in ["refresh=true", "unless_version=1"] {
        let path = format!("/km/v1/secrets/ONE?{query}");
        let response = sidecar.get(&path).await?.expect(200)?.json()?;
        assert_eq!(response["value"], json!(value), "{query}");
        assert_eq!(response["source"], "cache", "{query}");
        assert_eq!(response["refresh_error"]["kind"], "unavailable", "{query}");
        assert!(response["refresh_error"]["hint"].is_string(), "{query}");
    }
    let plain = sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?.json()?;
    assert_eq!(plain.get("refresh_error"), None, "only a refresh has its error");
    let response = sidecar.get("/km/v1/secrets/TWO?refresh=true").await?.expect(503)?;
    expect_error(&response, "unavailable")?;
    assert_eq!(response.header("retry-after"), "1");
    let path = format!("/v1/{}/data/ONE", fixture.mount);
    let no_cache = sidecar.request("GET", &path).header("cache-control", "no-cache");
    let response = sidecar.send(no_cache.body(Full::default())?).await?.expect(200)?;
    assert_eq!(response.header("x-km-source"), "cache");
    let all = refresh(&sidecar, json!({})).await?;
    assert_eq!(all["names"][0]["error"]["kind"], "unavailable");
    assert_eq!(all["names"][0]["version_before"], 1);
    assert_eq!(all["names"][0]["version_after"], 1);
    sidecar.get("/readyz").await?.expect(200)?;
    Ok(())
}

/// A value past its interval that was not refreshed is stale in both APIs.
#[tokio::test]
async fn failed_refresh_of_an_overdue_value_is_stale() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    fixture.put("ONE", json!({ "key": secret("value") })).await?;
    let km = fixture.km().env("HCP_VAULT_REFRESH_INTERVAL", "1").env("KM_DEADLINE", "1s");
    let sidecar = Sidecar::start(km, &[]).await?;
    sidecar.get("/km/v1/secrets/ONE").await?.expect(200)?;
    server.stop().await?;
    sleep(NEXT).await;
    let response = sidecar.get("/km/v1/secrets/ONE?refresh=true").await?.expect(200)?.json()?;
    assert_eq!((&response["source"], &response["stale"]), (&json!("stale"), &json!(true)));
    assert_eq!(response["refresh_error"]["kind"], "unavailable");
    Ok(())
}

#[tokio::test]
async fn no_cache_at_the_vault_api_reads_from_vault() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let sidecar = Sidecar::of(&fixture).await?;
    let path = format!("/v1/{}/data/ONE", fixture.mount);
    let read = async |control: Option<&str>| -> Result<(String, String, Value)> {
        let request = sidecar.request("GET", &path);
        let request = match control {
            Some(control) => request.header("cache-control", control),
            None => request,
        };
        let response = sidecar.send(request.body(Full::default())?).await?.expect(200)?;
        let headers = ["x-km-source", "age"].map(|name| response.header(name).to_owned());
        let [source, age] = headers;
        Ok((source, age, response.json()?["data"]["metadata"]["version"].clone()))
    };
    fixture.put("ONE", json!({ "key": secret("first") })).await?;
    read(None).await?;
    fixture.put("ONE", json!({ "key": secret("second") })).await?;
    let (source, _, version) = read(Some("max-age=0")).await?;
    assert_eq!((source.as_str(), version), ("cache", json!(1)));
    let expected = ("vault".to_owned(), "0".to_owned(), json!(2));
    assert_eq!(read(Some("max-age=0, No-Cache")).await?, expected);
    let (source, _, version) = read(None).await?;
    assert_eq!((source.as_str(), version), ("cache", json!(2)));
    for (name, status) in [("ABSENT", 404), ("litellm/../x", 400)] {
        let path = format!("/v1/{}/data/{name}", fixture.mount);
        let request = sidecar.request("GET", &path).header("cache-control", "no-cache");
        sidecar.send(request.body(Full::default())?).await?.expect(status)?;
    }
    sidecar.stop().await.map(drop)
}
