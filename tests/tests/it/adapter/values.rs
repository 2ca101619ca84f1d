//! The result of a read: the value byte for byte, its version, and stored data that is not a value.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::time::Duration;

use anyhow::Result;
use km_proxy_adapter::{ErrorKind, Source};
use serde_json::json;
use testkit::{Server, secret};

use super::{fails, keys, keys_before, read};

#[tokio::test]
async fn value_is_read_byte_for_byte() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let keys = keys(&fixture, &[]).await?;
    let mark = secret("value");
    for (index, text) in [
        String::new(),
        format!(" {mark}\n"),
        format!("{mark}\r\n\t\"quoted\" 密钥 \u{1f511}\u{0}"),
        mark.repeat(2_000),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("NAME_{index}");
        fixture.put(&name, json!({ "key": "old" })).await?;
        let stored = fixture.put(&name, json!({ "key": text, "description": "d" })).await?;
        let value = read(&fixture, &keys, &name).await?;
        assert_eq!(value.expose(), text);
        assert_eq!((value.source(), value.version()), (Source::Vault, Some(2)));
        assert_eq!(json!(value.created()), stored["created_time"]);
        assert!(value.age().is_some_and(|age| age < Duration::from_secs(60)));
    }
    Ok(())
}

#[tokio::test]
async fn stored_data_that_is_not_text_is_an_error() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let keys = keys(&fixture, &[]).await?;
    let mark = secret("value");
    for (name, content) in [
        ("number", json!({ "key": 42 })),
        ("boolean", json!({ "key": true })),
        ("null", json!({ "key": null })),
        ("list", json!({ "key": [mark] })),
        ("object", json!({ "key": { "key": mark } })),
        ("other-field", json!({ "Key": mark, "value": mark })),
        ("empty", json!({})),
    ] {
        fixture.put(name, content).await?;
        fails(&fixture, &keys, name, ErrorKind::StoredValue).await?;
    }
    Ok(())
}

#[tokio::test]
async fn reference_names_the_text_after_its_prefix() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let keys = keys(&fixture, &[]).await?;
    let [plain, nested] = [secret("plain"), secret("nested")];
    fixture.put("NAME", json!({ "key": plain })).await?;
    fixture.put("os.environ/NAME", json!({ "key": nested })).await?;
    for (reference, expected, source) in [
        ("os.environ/NAME", &plain, Source::Vault),
        ("NAME", &plain, Source::Cache),
        ("os.environ/os.environ/NAME", &nested, Source::Vault),
    ] {
        let value = read(&fixture, &keys, reference).await?;
        assert_eq!((value.expose(), value.source()), (expected.as_str(), source), "{reference}");
    }
    fails(&fixture, &keys, "OS.ENVIRON/NAME", ErrorKind::NotFound).await
}

#[tokio::test]
async fn boolean_is_true_or_false_in_any_case() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let keys = keys(&fixture, &[]).await?;
    for (index, (text, expected)) in [
        ("true", Some(true)),
        (" TRUE\n", Some(true)),
        ("False", Some(false)),
        ("\tfalse ", Some(false)),
        ("", None),
        ("1", None),
        ("yes", None),
        ("trues", None),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("FLAG_{index}");
        fixture.put(&name, json!({ "key": text })).await?;
        let value = read(&fixture, &keys, &name).await?;
        assert_eq!((value.as_bool(), value.expose()), (expected, text), "{text:?}");
    }
    Ok(())
}

#[tokio::test]
async fn value_of_the_environment_is_returned() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let fallback_env = BTreeMap::from([
        ("EMPTY".to_owned(), OsString::new()),
        ("FLAG".to_owned(), OsString::from(" True")),
        ("BYTES".to_owned(), OsString::from_vec(vec![b'a', 0xff])),
    ]);
    let keys = keys_before(&fixture, &[], fallback_env).await?;
    let empty = read(&fixture, &keys, "EMPTY").await?;
    assert_eq!((empty.expose(), empty.source()), ("", Source::Environment));
    let flag = read(&fixture, &keys, "os.environ/FLAG").await?;
    assert_eq!((flag.expose(), flag.as_bool()), (" True", Some(true)));
    fails(&fixture, &keys, "BYTES", ErrorKind::StoredValue).await
}
