//! `km list`: names below the global prefix.

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Fixture, Km, Server};

use super::listener::{Reply, Scripted};
use crate::product::until;

async fn fixture() -> Result<Fixture> {
    let fixture = Server::shared().await?.fixture().await?;
    for name in ["a", "b b", "folder", "folder/x", "folder/deep/y", "clé", "50%"] {
        let name = name.replace('%', "%25").replace(' ', "%20").replace('é', "%C3%A9");
        fixture.put(&name, json!({ "key": "v" })).await?;
    }
    Ok(fixture)
}

async fn check(km: impl Fn() -> Km, prefix: &[&str], expected: &[&str]) -> Result<()> {
    let output = km().args(["list"]).args(prefix).run().await?.expect(0)?;
    let lines = expected.iter().fold(String::new(), |lines, name| lines + name + "\n");
    assert_eq!((output.text()?, output.stderr.as_str()), (lines.as_str(), ""), "{prefix:?}");
    let output = km().args(["list", "--json"]).args(prefix).run().await?.expect(0)?;
    let document: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(document, json!({ "names": expected }), "{prefix:?}");
    Ok(())
}

#[tokio::test]
async fn names_and_folders_are_listed_one_per_line() -> Result<()> {
    let fixture = fixture().await?;
    let km = || fixture.km();
    let top = ["50%", "a", "b b", "clé", "folder", "folder/"];
    for prefix in [&[][..], &[""], &["/"]] {
        check(km, prefix, &top).await?;
    }
    for prefix in ["folder", "folder/", "/folder/"] {
        check(km, &[prefix], &["deep/", "x"]).await?;
    }
    for prefix in ["folder/deep", "folder/deep/"] {
        check(km, &[prefix], &["y"]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn empty_folder_prints_nothing() -> Result<()> {
    let empty = Server::shared().await?.fixture().await?;
    check(|| empty.km(), &[], &[]).await?;
    let fixture = fixture().await?;
    for prefix in ["a", "nowhere", "nowhere/", "folder/x"] {
        check(|| fixture.km(), &[prefix], &[]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn list_starts_at_the_path_prefix() -> Result<()> {
    let fixture = fixture().await?;
    let km = || fixture.km().env("HCP_VAULT_PATH_PREFIX", "/folder/");
    check(km, &[], &["deep/", "x"]).await?;
    check(km, &["deep/"], &["y"]).await?;
    check(km, &["folder"], &[]).await
}

#[tokio::test]
async fn deleted_and_destroyed_secrets_are_listed_only_with_all_and_marked() -> Result<()> {
    let fixture = fixture().await?;
    let (server, mount) = (fixture.server(), &fixture.mount);
    for name in ["folder/destroyed", "folder/removed", "folder/scheduled"] {
        fixture.put(name, json!({ "key": "v" })).await?;
    }
    server.must("DELETE", &format!("{mount}/data/folder/x"), None).await?;
    let versions = json!({ "versions": [1] });
    server.must("PUT", &format!("{mount}/destroy/folder/destroyed"), versions).await?;
    server.must("DELETE", &format!("{mount}/metadata/folder/removed"), None).await?;
    // A secret whose deletion is scheduled is listed, and so is one with a deleted older version.
    let later = json!({ "delete_version_after": "1h" });
    server.must("POST", &format!("{mount}/metadata/folder/scheduled"), later).await?;
    fixture.put("folder/scheduled", json!({ "key": "v" })).await?;
    let versions = json!({ "versions": [1] });
    server.must("POST", &format!("{mount}/delete/folder/scheduled"), versions).await?;

    check(|| fixture.km(), &["folder"], &["deep/", "scheduled"]).await?;
    let all = || fixture.km().args(["list", "folder", "--all"]);
    let output = all().run().await?.expect(0)?;
    let expected = "deep/\ndestroyed\tdestroyed\nscheduled\nx\tdeleted\n";
    assert_eq!((output.text()?, output.stderr.as_str()), (expected, ""));
    let output = all().args(["--json"]).run().await?.expect(0)?;
    let document: Value = serde_json::from_slice(&output.stdout)?;
    let expected = json!({ "names": ["deep/", "scheduled"], "deleted": ["destroyed", "x"] });
    assert_eq!(document, expected);
    Ok(())
}

#[tokio::test]
async fn list_without_read_on_metadata_lists_all_names_with_one_warning() -> Result<()> {
    let policy =
        |mount: &str| format!(r#"path "{mount}/metadata/*" {{ capabilities = ["list"] }}"#);
    let spec = testkit::FixtureSpec { policy: Some(policy), ..Default::default() };
    let fixture = Server::shared().await?.fixture_with(spec).await?;
    for name in ["gone", "name", "other", "litellm/a", "litellm/b"] {
        fixture.put(name, json!({ "key": "v" })).await?;
    }
    let path = format!("{}/data/gone", fixture.mount);
    fixture.server().must("DELETE", &path, None).await?;
    for flags in [&[][..], &["--all"]] {
        for (command, names) in
            [(&["list"][..], "gone\nlitellm/\nname\nother\n"), (&["key", "list"], "a\nb\n")]
        {
            let output = fixture.km().args(command).args(flags).run().await?.expect(0)?;
            assert_eq!(output.text()?, names);
            assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
            super::common::contains_all(
                &output.stderr,
                &["WARN", "deleted names are listed too", "metadata"],
            )?;
        }
    }
    let output = fixture.km().args(["list", "--json", "--all"]).run().await?.expect(0)?;
    let document: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(document, json!({ "names": ["gone", "litellm/", "name", "other"], "deleted": [] }));
    Ok(())
}

#[tokio::test]
async fn hosted_keys_do_not_filter_a_list() -> Result<()> {
    let fixture = fixture().await?;
    let km = || fixture.km().env("KM_HOSTED_KEYS", "OPENAI_API_KEY");
    check(km, &["folder"], &["deep/", "x"]).await
}

/// More names than there are concurrent requests.
const NAMES: usize = 100;

/// A server with [`NAMES`] secrets, whose metadata arrives once it is released.
fn slow_metadata(prefix: &'static str) -> Result<Scripted> {
    let names: Vec<_> = (0..NAMES).map(|number| format!("N{number:03}")).collect();
    let version =
        json!({ "created_time": "2026-01-01T00:00:00Z", "deletion_time": "", "destroyed": false });
    let metadata = json!({ "current_version": 1, "oldest_version": 0, "max_versions": 0,
        "cas_required": false, "delete_version_after": "0s", "custom_metadata": null,
        "created_time": "2026-01-01T00:00:00Z", "updated_time": "2026-01-01T00:00:00Z",
        "versions": { "1": version } });
    Scripted::new(move |request| match request.split('/').next_back() {
        Some(name) if name.starts_with('N') => Reply::Later(200, json!({ "data": metadata })),
        _ if request.contains(prefix) => Reply::Json(200, json!({ "data": { "keys": names } })),
        _ => Reply::Json(404, json!({ "errors": [] })),
    })
}

#[tokio::test]
async fn states_of_64_names_are_read_at_once() -> Result<()> {
    for (arguments, prefix) in [(&["list"][..], "/metadata"), (&["key", "list"], "/litellm")] {
        let server = slow_metadata(prefix)?;
        let reads = || {
            let requests = server.requests();
            requests.iter().filter(|request| request.contains("/N")).count()
        };
        let km = super::common::km_against(&server.address()).env("KM_DEADLINE", "60s");
        let running = km.args(arguments).start().await?;
        until("64 requests", async || Ok(reads() >= 64)).await?;
        // A further request would need the response to one of these.
        assert_eq!(reads(), 64);
        server.release();
        let output = running.finish().await?.expect(0)?;
        assert_eq!(output.text()?.lines().count(), NAMES);
        assert_eq!(reads(), NAMES);
    }
    Ok(())
}
