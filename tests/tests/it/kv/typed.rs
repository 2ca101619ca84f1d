//! Secrets as types of `serde`, and values of every JSON type.

use anyhow::Result;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use testkit::secret;
use vault_kv::{Cas, ErrorKind, Fields, ListEntry, Value};

use super::{engine, exposed, fails};
use crate::product::path;

#[derive(Serialize, Deserialize)]
struct Database {
    user: String,
    #[serde(serialize_with = "vault_kv::serialize_exposed")]
    password: SecretString,
    port: u16,
    replicas: Vec<String>,
}

#[tokio::test]
async fn type_is_written_and_read_by_check_and_set() -> Result<()> {
    let (fixture, kv) = engine().await?;
    let (name, password) = (path("database")?, secret("value"));
    let mut database = Database {
        user: "app".into(),
        password: password.as_str().into(),
        port: 5432,
        replicas: vec!["a".into(), "b \"\n".into()],
    };
    let written = kv.write_value(&name, &database, Cas::Version(0)).await?;
    let stored = fixture.get("database").await?.1["data"]["data"].take();
    let expected = json!({
        "user": "app", "password": password, "port": 5432, "replicas": ["a", "b \"\n"],
    });
    assert_eq!(stored, expected);
    database = kv.read_as(&name).await?;
    assert_eq!((database.password.expose_secret(), database.port), (password.as_str(), 5432));
    database.port = 5433;
    kv.write_value(&name, &database, Cas::Version(written.version)).await?;
    let outdated = kv.write_value(&name, &database, Cas::Version(written.version)).await;
    fails(&fixture, ErrorKind::CasMismatch, outdated)?;
    assert_eq!(kv.read(&name).await?.parse::<Database>()?.port, 5433);
    Ok(())
}

#[tokio::test]
async fn number_that_is_stored_as_text_is_read_as_a_number() -> Result<()> {
    // `vault kv put` stores everything as text.
    let (fixture, kv) = engine().await?;
    let mark = secret("value");
    let fields = json!({ "user": "app", "password": mark, "port": "5432", "replicas": [] });
    fixture.put("database", fields).await?;
    assert_eq!(kv.read_as::<Database>(&path("database")?).await?.port, 5432);
    let wrong = json!({ "user": "app", "password": mark, "port": mark, "replicas": [] });
    fixture.put("database", wrong).await?;
    let read = kv.read_as::<Database>(&path("database")?).await;
    let error = fails(&fixture, ErrorKind::InvalidFields, read.map(|_| ()))?;
    assert_eq!(error.parse_error().and_then(|error| error.field()), Some("port"));
    Ok(())
}

#[tokio::test]
async fn constructed_values_of_every_type_are_stored() -> Result<()> {
    let (fixture, kv) = engine().await?;
    let object = Value::object(Fields::new().with("key", secret("value")).with("none", None::<i8>));
    let new: Fields = [
        ("null", Value::null()),
        ("bool", true.into()),
        ("number", 9_007_199_254_740_991_i64.into()),
        ("fraction", Value::from_serialize(&0.25)?),
        ("text", "\"".into()),
        ("list", Value::list([1.into(), object.clone()])),
        ("object", object),
    ]
    .into_iter()
    .collect();
    kv.write(&path("name")?, &new, Cas::Any).await?;
    assert_eq!(fixture.get("name").await?.1["data"]["data"], exposed(&new)?);
    assert!(kv.read(&path("name")?).await?.fields.same_as(&new));
    Ok(())
}

#[tokio::test]
async fn folder_larger_than_the_limit_of_other_responses_is_listed() -> Result<()> {
    let (fixture, kv) = engine().await?;
    // More than one page, and more than 4 MiB in one response.
    let long = "n".repeat(900);
    let names: Vec<_> = (0..5_100).map(|number| format!("{number:05}{long}")).collect();
    let writes = names.chunks(names.len() / 16 + 1).map(async |names| {
        for name in names {
            fixture.put(name, json!({ "key": "v" })).await?;
        }
        anyhow::Ok(())
    });
    futures_util::future::try_join_all(writes).await?;
    let listed = kv.list(None).await?;
    assert_eq!(listed.len(), names.len());
    let expected: Vec<_> = names.into_iter().map(ListEntry::new).collect();
    assert_eq!(listed, expected);
    Ok(())
}
