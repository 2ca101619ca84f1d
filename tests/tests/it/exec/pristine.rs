//! `--pristine`: the program's environment has the resolved values only.

use std::fs;

use anyhow::Result;
use serde_json::json;
use testkit::{Server, write_program};

use super::{exec_with_references, fails_before_start, shell};
use crate::cli::common::contains_all;

#[tokio::test]
async fn pristine_program_inherits_no_variable() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": "1", "user": "u" })).await?;
    let (_directory, km) = exec_with_references(&fixture, &["ONE", "RESOLVED"])?;
    let km = km.env("RESOLVED", "from the environment").env("OTHER", "inherited").env("PATH", "/");
    let km = km.args(["--pristine", "--also=ONE", "--env=A=ONE#user", "--", "/usr/bin/env"]);
    let output = km.run().await?.expect(0)?;
    assert_eq!(output.text()?, "A=u\nONE=1\nRESOLVED=from the environment\n");
    Ok(())
}

#[tokio::test]
async fn pristine_program_is_found_by_the_path_of_km() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    fixture.put("ONE", json!({ "key": "1" })).await?;
    let (first, second) = (tempfile::tempdir()?, tempfile::tempdir()?);
    // A file that cannot be executed, and a directory, are passed over.
    fs::write(first.path().join("program"), "")?;
    fs::create_dir(first.path().join("other"))?;
    for name in ["program", "other"] {
        let path = second.path().join(name);
        write_program(&path, "#!/bin/sh\necho \"$ONE $OTHER $# $1\"\n")?;
    }
    let path = std::env::join_paths([first.path(), second.path()])?;
    for name in ["program", "other"] {
        let km = fixture.km().env("PATH", &path).env("OTHER", "inherited");
        let km = km.args(["exec", "--pristine", "--only=ONE", "--", name, "an argument"]);
        assert_eq!(km.run().await?.expect(0)?.text()?, "1  1 an argument\n");
    }
    let km = || fixture.km().env("PATH", &path).args(["exec", "--pristine", "--only=ONE"]);
    fails_before_start(km, &["--", "absent"], 127, "usage").await.map(drop)
}

#[tokio::test]
async fn pristine_contradicts_keep_credentials() -> Result<()> {
    let fixture = Server::shared().await?.fixture().await?;
    let km = || fixture.km().args(["exec", "--only=ONE", "--pristine", "--keep-credentials"]);
    let stderr = fails_before_start(km, &shell("true"), 2, "usage").await?;
    contains_all(&stderr, &["--pristine", "--keep-credentials"])
}
