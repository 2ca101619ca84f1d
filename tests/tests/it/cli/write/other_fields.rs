//! `km write` keeps the other fields of a secret, whatever another writer does meanwhile.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use testkit::{Fixture, FixtureSpec, Km, Server, secret};
use tokio::task::JoinSet;

use crate::cli::common::{NAME, contains_all, fails, writer};
use crate::cli::stopper::{Stop, Stopper};

async fn fixture() -> Result<Fixture> {
    Server::shared().await?.fixture().await
}

fn write(fixture: &Fixture, value: &str) -> Km {
    writer(fixture).args(["write", NAME]).stdin(value)
}

/// Returns the fields and the version that are stored.
async fn stored(fixture: &Fixture) -> Result<(Value, Value)> {
    let (_, mut response) = fixture.get(NAME).await?;
    let mut take = |at| response.pointer_mut(at).map(Value::take).unwrap_or_default();
    Ok((take("/data/data"), take("/data/metadata/version")))
}

/// Fields of every type, with numbers that a double does not represent.
fn fields() -> Value {
    let text = r#"{
        "key": "old", "user": "root", "empty": "", "unicode": "clé\u0000\u202e",
        "large": 9007199254740993, "precise": 12345678901234567890.10, "exponent": 1e300,
        "negative": -0.5, "null": null, "true": true, "list": [1, [2.50, null], {}],
        "object": { "b": { "a": "x" }, "a": [] }
    }"#;
    serde_json::from_str(text).unwrap_or_default()
}

#[tokio::test]
async fn fields_of_every_type_are_kept_as_the_server_returns_them() -> Result<()> {
    let fixture = fixture().await?;
    fixture.put(NAME, fields()).await?;
    let (mut expected, _) = stored(&fixture).await?;
    for version in 2..=3 {
        let value = secret("value");
        let output = write(&fixture, &value).run().await?.expect(0)?;
        contains_all(output.text()?, &[&format!("version {version}")])?;
        expected["key"] = json!(value);
        assert_eq!(stored(&fixture).await?, (expected.clone(), json!(version)));
    }
    let value = secret("value");
    write(&fixture, &value).args(["--replace"]).run().await?.expect(0)?;
    assert_eq!(stored(&fixture).await?, (json!({ "key": value }), json!(4)));
    Ok(())
}

#[tokio::test]
async fn missing_or_unusable_value_is_replaced_and_the_rest_is_kept() -> Result<()> {
    let fixture = fixture().await?;
    for key in [json!({ "user": "root" }), json!({ "key": 1, "user": "root" })] {
        fixture.put(NAME, key).await?;
        let value = secret("value");
        write(&fixture, &value).run().await?.expect(0)?;
        assert_eq!(stored(&fixture).await?.0, json!({ "key": value, "user": "root" }));
    }
    Ok(())
}

#[tokio::test]
async fn stored_description_is_replaced_only_by_the_option() -> Result<()> {
    for (described, setting, option, expected) in [
        (Some("stored"), None, None, Some("stored")),
        (Some("stored"), Some("of the settings"), None, Some("stored")),
        (Some("stored"), Some("of the settings"), Some("of the option"), Some("of the option")),
        (None, Some("of the settings"), None, Some("of the settings")),
        (None, None, Some("of the option"), Some("of the option")),
        (None, None, None, None),
    ] {
        let fixture = fixture().await?;
        let document = |value: &str, description: Option<&str>| match description {
            Some(text) => json!({ "key": value, "description": text }),
            None => json!({ "key": value }),
        };
        fixture.put(NAME, document("old", described)).await?;
        let value = secret("value");
        let km = write(&fixture, &value);
        let km = setting.into_iter().fold(km, |km, text| km.env("KM_DESCRIPTION", text));
        let km = option.into_iter().fold(km, |km, text| km.args(["--description", text]));
        km.run().await?.expect(0)?;
        assert_eq!(stored(&fixture).await?.0, document(&value, expected), "{described:?}");
    }
    Ok(())
}

#[tokio::test]
async fn fields_of_a_deleted_or_destroyed_version_are_not_restored() -> Result<()> {
    let fixture = fixture().await?;
    let (server, mount) = (fixture.server(), &fixture.mount);
    fixture.put(NAME, json!({ "key": "old", "user": "root" })).await?;
    server.must("DELETE", &format!("{mount}/data/{NAME}"), None).await?;
    let value = secret("value");
    write(&fixture, &value).run().await?.expect(0)?;
    assert_eq!(stored(&fixture).await?, (json!({ "key": value }), json!(2)));
    fixture.put(NAME, json!({ "key": "old", "user": "root" })).await?;
    let versions = json!({ "versions": [3] });
    server.must("PUT", &format!("{mount}/destroy/{NAME}"), versions).await?;
    write(&fixture, &value).args(["--cas", "3"]).run().await?.expect(0)?;
    assert_eq!(stored(&fixture).await?, (json!({ "key": value }), json!(4)));
    Ok(())
}

#[tokio::test]
async fn fields_are_kept_on_a_mount_that_requires_check_and_set() -> Result<()> {
    let fixture = fixture().await?;
    fixture.put(NAME, json!({ "key": "old", "user": "root" })).await?;
    let path = format!("{}/config", fixture.mount);
    fixture.server().must("POST", &path, json!({ "cas_required": true })).await?;
    for (options, version) in [(&[][..], 2), (&["--cas", "2"], 3)] {
        let value = secret("value");
        write(&fixture, &value).args(options).run().await?.expect(0)?;
        let expected = json!({ "key": value, "user": "root" });
        assert_eq!(stored(&fixture).await?, (expected, json!(version)));
    }
    Ok(())
}

#[tokio::test]
async fn write_only_mode_keeps_the_other_fields() -> Result<()> {
    let fixture = fixture().await?;
    fixture.put(NAME, json!({ "key": "old", "user": "root" })).await?;
    let value = secret("value");
    let km = fixture.km().env("KM_ACCESS_MODE", "write_only").args(["write", NAME]);
    km.stdin(value.as_str()).run().await?.expect(0)?;
    assert_eq!(stored(&fixture).await?.0, json!({ "key": value, "user": "root" }));
    Ok(())
}

#[tokio::test]
async fn write_without_the_right_to_read_is_exit_5_unless_nothing_is_to_be_kept() -> Result<()> {
    let policy =
        |mount: &str| format!(r#"path "{mount}/data/*" {{ capabilities = ["create", "update"] }}"#);
    let spec = FixtureSpec { policy: Some(policy), ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    let km = |options: &[&str]| {
        let km = fixture.km().env("KM_ACCESS_MODE", "write_only").args(["write", NAME]);
        km.args(options).stdin(secret("value"))
    };
    // A secret that must not exist has no fields.
    km(&["--cas", "0"]).run().await?.expect(0)?;
    for options in [&[][..], &["--cas", "1"]] {
        let stderr = fails(|| km(options), 5, "denied").await?;
        contains_all(&stderr, &[&format!("km: write {NAME}: "), "permission denied", "--replace"])?;
    }
    assert_eq!(stored(&fixture).await?.1, 1);
    km(&["--replace"]).run().await?.expect(0)?;
    km(&["--replace", "--cas", "2"]).run().await?.expect(0)?;
    assert_eq!(stored(&fixture).await?.1, 3);
    Ok(())
}

/// The number of requests before the write: login, read, type of the mount.
const BEFORE_THE_WRITE: usize = 3;

#[tokio::test]
async fn write_overtaken_by_another_writer_is_exit_7_and_loses_no_field() -> Result<()> {
    let fixture = fixture().await?;
    let path = format!("{}/data/{NAME}", fixture.mount);
    for overtaking in [json!({ "key": "x", "added": "y" }), Value::Null] {
        fixture.put(NAME, json!({ "key": "old", "user": "root" })).await?;
        let stop = Stop::Before(BEFORE_THE_WRITE);
        let stopper = Stopper::to(fixture.server().address(), stop).await?;
        let km = write(&fixture, &secret("value")).env("HCP_VAULT_ADDR", stopper.address());
        let running = km.env("KM_DEADLINE", "30s").start().await?;
        stopper.stopped().await;
        // Without fields, the other writer deletes the secret and writes it again.
        if overtaking.is_null() {
            fixture.server().must("DELETE", &path, None).await?;
            fixture.put(NAME, json!({ "key": "x" })).await?;
        } else {
            fixture.put(NAME, overtaking.clone()).await?;
        }
        let before = stored(&fixture).await?;
        stopper.release();
        let output = running.finish().await?.expect(7)?;
        contains_all(&output.stderr, &["version mismatch", "another writer was faster"])?;
        assert_eq!(stored(&fixture).await?, before);
    }
    Ok(())
}

#[tokio::test]
async fn concurrent_writers_lose_no_field() -> Result<()> {
    let fixture = fixture().await?;
    fixture.put(NAME, json!({ "key": "old", "user": "root" })).await?;
    let mut writers = JoinSet::new();
    for _ in 0..6 {
        writers.spawn(write(&fixture, &secret("value")).run());
    }
    let mut stored_by_km = 0;
    while let Some(output) = writers.join_next().await {
        let output = output??;
        ensure!(matches!(output.code, 0 | 7), "exit {}: {}", output.code, output.stderr);
        stored_by_km += u64::from(output.code == 0);
    }
    assert!(stored_by_km > 0, "no writer succeeded");
    let (fields, version) = stored(&fixture).await?;
    assert_eq!((&fields["user"], version), (&json!("root"), json!(1 + stored_by_km)));
    Ok(())
}

#[tokio::test]
async fn write_killed_anywhere_leaves_the_old_or_the_new_secret() -> Result<()> {
    let fixture = fixture().await?;
    let old = json!({ "key": "old", "user": "root" });
    for number in 0..=BEFORE_THE_WRITE {
        for stop in [Stop::Before(number), Stop::After(number)] {
            fixture.put(NAME, old.clone()).await?;
            let value = secret("value");
            let stopper = Stopper::to(fixture.server().address(), stop).await?;
            let km = write(&fixture, &value).env("HCP_VAULT_ADDR", stopper.address());
            let mut running = km.env("KM_DEADLINE", "30s").start().await?;
            stopper.stopped().await;
            running.child().kill().await?;
            let executed = stop == Stop::After(BEFORE_THE_WRITE);
            let expected =
                if executed { json!({ "key": value, "user": "root" }) } else { old.clone() };
            assert_eq!(stored(&fixture).await?.0, expected, "{stop:?}");
        }
    }
    Ok(())
}
