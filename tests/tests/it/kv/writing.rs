//! Writing and patching versions.

use anyhow::Result;
use serde_json::json;
use testkit::secret;
use vault_kv::{Cas, ErrorKind};

use super::{engine, exposed, fails, fields};
use crate::product::path;

#[tokio::test]
async fn write_stores_a_new_version_with_only_its_fields() -> Result<()> {
    let (fixture, kv) = engine().await?;
    let name = path("folder/name")?;
    for (version, pairs) in [
        (1, &[("key", secret("one")), ("note", "n".to_owned())][..]),
        (2, &[("key", secret("two"))]),
        (3, &[]),
    ] {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let fields = fields(&pairs);
        fixture.watch.debug(&fields);
        let written = kv.write(&name, &fields, Cas::Any).await?;
        let (status, answer) = fixture.get("folder/name").await?;
        assert_eq!(status, 200);
        assert_eq!(written.version, version);
        assert_eq!(answer["data"]["metadata"]["version"], version);
        assert_eq!(answer["data"]["metadata"]["created_time"], written.created_time);
        assert_eq!(answer["data"]["data"], exposed(&fields)?);
    }
    Ok(())
}

#[tokio::test]
async fn patch_keeps_the_other_fields() -> Result<()> {
    let (fixture, kv) = engine().await?;
    let (old, new) = (secret("old"), secret("new"));
    fixture
        .put("name", json!({ "key": old, "note": "n", "number": 1.5, "list": [1, "a"] }))
        .await?;
    let written = kv.patch(&path("name")?, &fields(&[("key", &new)]), Cas::Any).await?;
    assert_eq!(written.version, 2);
    let stored = fixture.get("name").await?.1;
    let expected = json!({ "key": new, "note": "n", "number": 1.5, "list": [1, "a"] });
    assert_eq!(stored["data"]["data"], expected);

    let late = kv.patch(&path("name")?, &fields(&[("key", &old)]), Cas::Version(1)).await;
    fails(&fixture, ErrorKind::CasMismatch, late)?;
    kv.patch(&path("name")?, &fields(&[("more", "m")]), Cas::Version(2)).await?;
    assert_eq!(fixture.get("name").await?.1["data"]["data"]["more"], "m");
    Ok(())
}

#[tokio::test]
async fn patch_of_an_absent_secret_is_not_found_and_writes_nothing() -> Result<()> {
    let (fixture, kv) = engine().await?;
    let patch = fields(&[("key", &secret("value"))]);
    let patched = kv.patch(&path("nothing")?, &patch, Cas::Any).await;
    fails(&fixture, ErrorKind::NotFound, patched)?;
    assert_eq!(fixture.get("nothing").await?.0, 404);

    fixture.put("deleted", json!({ "key": "v" })).await?;
    let place = format!("{}/data/deleted", fixture.mount);
    fixture.server().must("DELETE", &place, None).await?;
    let patched = kv.patch(&path("deleted")?, &patch, Cas::Any).await;
    fails(&fixture, ErrorKind::NotFound, patched)?;
    assert_eq!(fixture.get("deleted").await?.1["data"]["metadata"]["version"], 1);
    Ok(())
}

#[tokio::test]
async fn write_without_the_capability_is_denied_and_writes_nothing() -> Result<()> {
    let reader = |mount: &str| format!(r#"path "{mount}/*" {{ capabilities = ["read"] }}"#);
    let spec = testkit::FixtureSpec { policy: Some(reader), ..Default::default() };
    let fixture = testkit::Server::shared().await?.fixture_with(spec).await?;
    let kv = crate::product::kv(&fixture)?;
    let denied = ErrorKind::Exchange(vault_http::ErrorKind::Denied);
    let (name, new) = (path("name")?, fields(&[("key", &secret("value"))]));
    fails(&fixture, denied, kv.write(&name, &new, Cas::Any).await)?;
    fixture.put("name", json!({ "key": "v" })).await?;
    fails(&fixture, denied, kv.patch(&name, &new, Cas::Any).await)?;
    fails(&fixture, denied, kv.delete_latest(&name).await)?;
    fails(&fixture, denied, kv.destroy(&name, &[1]).await)?;
    fails(&fixture, denied, kv.delete_metadata(&name).await)?;
    fails(&fixture, denied, kv.list(None).await)?;
    let (status, answer) = fixture.get("name").await?;
    assert_eq!((status, &answer["data"]["data"]), (200, &json!({ "key": "v" })));
    Ok(())
}
