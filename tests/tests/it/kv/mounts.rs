//! Mounts without an engine, with another engine, and in a namespace.

use anyhow::Result;
use serde_json::json;
use testkit::{Fixture, FixtureSpec, Server, secret};
use vault_http::ErrorKind as Http;
use vault_kv::{Cas, ErrorKind, Kv, ListEntry, Mount, MountVersion};

use super::{engine, fails, fields};
use crate::product::{approle, auth, kv_at, path};

fn at(fixture: &Fixture, mount: Mount) -> Result<Kv> {
    kv_at(fixture, &auth(fixture, approle(fixture)?)?, mount)
}

/// Returns a policy with all capabilities below every mount whose path begins with this one's.
fn rights_beside(mount: &str) -> String {
    let all = r#"capabilities = ["create", "read", "update", "patch", "delete", "list"]"#;
    format!(r#"path "{mount}*" {{ {all} }}"#)
}

#[tokio::test]
async fn mount_version_shows_the_engine_of_each_mount() -> Result<()> {
    let server = Server::shared().await?;
    let spec = FixtureSpec { policy: Some(rights_beside), ..Default::default() };
    let fixture = server.fixture_with(spec).await?;
    let (mount, transit) = (&fixture.mount, format!("{}-transit", fixture.mount));
    server.must("POST", &format!("sys/mounts/{transit}"), json!({ "type": "transit" })).await?;
    let name = path("name")?;
    for (at_mount, expected, refused) in [
        (mount.clone(), MountVersion::V2, None),
        (transit.clone(), MountVersion::NotKv, Some(ErrorKind::WrongKvVersion)),
        ("cubbyhole".to_owned(), MountVersion::NotKv, Some(ErrorKind::WrongKvVersion)),
        (format!("{mount}/data"), MountVersion::NoMount, Some(ErrorKind::Exchange(Http::NoMount))),
        (format!("{mount}/a/b"), MountVersion::NoMount, Some(ErrorKind::Exchange(Http::NoMount))),
        (format!("{mount}-gone"), MountVersion::Unknown, Some(ErrorKind::Exchange(Http::NoMount))),
    ] {
        let kv = at(&fixture, Mount::new(&at_mount)?)?;
        assert_eq!(kv.mount_version().await?, expected, "{at_mount}");
        let written = kv.write(&name, &fields(&[("key", &secret("value"))]), Cas::Any).await;
        match refused {
            None => assert_eq!(written?.version, 1),
            Some(kind) => drop(fails(&fixture, kind, written)?),
        }
    }
    // Only the first mount was written to.
    let names = server.must("LIST", &format!("{mount}/metadata"), None).await?;
    assert_eq!(names["data"]["keys"], json!(["name"]));
    assert_eq!(server.api("LIST", &format!("{transit}/keys"), None).await?.0, 404);
    server.must("DELETE", &format!("sys/mounts/{transit}"), None).await.map(drop)
}

#[tokio::test]
async fn read_below_no_kv_engine_is_an_error_and_not_a_miss() -> Result<()> {
    let server = Server::shared().await?;
    let spec = FixtureSpec { policy: Some(rights_beside), ..Default::default() };
    let fixture = server.fixture_with(spec).await?;
    let mount = &fixture.mount;
    let name = path("name")?;
    for (at_mount, expected) in [
        (format!("{mount}-gone"), ErrorKind::Exchange(Http::NoMount)),
        (format!("{mount}/data"), ErrorKind::Exchange(Http::NoMount)),
        (format!("{mount}/a/b"), ErrorKind::Exchange(Http::NoMount)),
        ("cubbyhole".to_owned(), ErrorKind::WrongKvVersion),
    ] {
        let kv = at(&fixture, Mount::new(&at_mount)?)?;
        // The outcome is not remembered as a miss.
        for _ in 0..2 {
            fails(&fixture, expected, kv.read(&name).await)?;
        }
        fails(&fixture, expected, kv.list(None).await)?;
    }
    Ok(())
}

#[tokio::test]
async fn mount_that_no_policy_covers_is_denied() -> Result<()> {
    let (fixture, _) = engine().await?;
    let other = Server::shared().await?.fixture().await?;
    for mount in [format!("{}-gone", fixture.mount), other.mount.clone()] {
        let kv = at(&fixture, Mount::new(&mount)?)?;
        assert_eq!(kv.mount_version().await?, MountVersion::Unknown);
        let denied = ErrorKind::Exchange(Http::Denied);
        fails(&fixture, denied, kv.read(&path("name")?).await)?;
        let new = fields(&[("key", &secret("value"))]);
        fails(&fixture, denied, kv.write(&path("name")?, &new, Cas::Any).await)?;
    }
    assert_eq!(other.get("name").await?.0, 404);
    Ok(())
}

#[tokio::test]
async fn mount_in_a_namespace_is_addressed_by_the_path_of_both() -> Result<()> {
    let server = Server::shared().await?;
    for under in ["admin", "teams/team-a"] {
        let spec = FixtureSpec { under: Some(under.to_owned()), ..Default::default() };
        let fixture = server.fixture_with(spec).await?;
        let own = fixture.mount.strip_prefix(&format!("{under}/")).unwrap_or_default();
        let mount = Mount::new(own)?.in_namespace(under)?;
        assert_eq!(mount.to_string(), fixture.mount);
        let (name, value) = (path("folder/name")?, secret("value"));

        // The write looks up the mount, first in the namespace and then from the root.
        let kv = at(&fixture, mount)?;
        let written = kv.write(&name, &fields(&[("key", &value)]), Cas::Version(0)).await?;
        assert_eq!(written.version, 1);
        let stored = fixture.get("folder/name").await?.1;
        assert_eq!(stored["data"]["data"]["key"], json!(value));
        assert_eq!(kv.read(&name).await?.metadata.version, 1);
        assert_eq!(kv.list(None).await?, [ListEntry::new("folder/")]);
        assert_eq!(kv.mount_version().await?, MountVersion::V2);
        fails(&fixture, ErrorKind::NotFound, kv.read(&path("nothing")?).await)?;

        // The same mount path in the root namespace is another mount.
        let root = at(&fixture, Mount::new(own)?)?;
        fails(&fixture, ErrorKind::Exchange(Http::Denied), root.read(&name).await)?;
    }
    Ok(())
}
