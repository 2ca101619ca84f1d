//! Demonstrates `km` against a real server: setup as an operator, then `km check`, `km read` and
//! `km delete`, then a team's virtual key. Every claim is verified on the server without `km`, and
//! one that fails ends the demo with an error. Nothing is left running.
#![expect(clippy::print_stdout, reason = "the demo prints for people")]

mod embedded;
mod operator;
mod show;
mod team;
mod verify;

use anyhow::{Result, ensure};
use testkit::{Km, Output, Server};

use operator::{Gateway, NAME};
use show::{claim, heading, text};
use verify::Verifier;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    heading("Start a server");
    let server = Server::dev_alone().await?;
    text(&format!(
        "a dev server of {} is running at {}; it keeps its data in memory",
        server.flavor(),
        server.address()
    ));

    let gateway = operator::set_up(&server).await?;
    let verifier = Verifier::new(&server, &gateway);
    check(&gateway, &verifier).await?;
    read(&gateway, &verifier).await?;
    embedded::read_twice(&server, &gateway, &verifier).await?;
    delete(&gateway, &verifier).await?;
    read_deleted_key(&gateway, &verifier).await?;
    team::virtual_keys(&server, &gateway).await?;

    heading("Clean up");
    let (raw, flavor) = (server.raw().clone(), server.flavor());
    drop(server);
    ensure!(raw.call("GET", "sys/health", None, None).await.is_err(), "the server still responds");
    claim("the server is stopped, and its data is gone");
    operator::next_steps(flavor);
    Ok(())
}

async fn check(gateway: &Gateway, verifier: &Verifier<'_>) -> Result<()> {
    heading("Check the settings");
    let output = km(gateway, &["check"], None).await?.expect(0)?;
    ensure!(!output.stdout.is_empty(), "km check printed nothing");
    text(output.text()?);
    verifier.credentials_may_read().await?;
    claim("km check succeeds; a login without km has permission to read the path");
    Ok(())
}

async fn read(gateway: &Gateway, verifier: &Verifier<'_>) -> Result<()> {
    heading("Read the key");
    for arguments in [&["read", NAME][..], &["read", NAME, "--explain"]] {
        let output = km(gateway, arguments, None).await?.expect(0)?;
        ensure!(output.stdout == gateway.value.as_bytes(), "km read printed another value");
        ensure!(!output.stderr.contains(&gateway.value), "the value is on stderr");
        text(&format!("{} bytes on stdout {}", output.stdout.len(), output.stderr.trim()));
    }
    verifier.is_stored(&gateway.value).await?;
    claim("both print the stored bytes; its command line and plain HTTP return the same");
    Ok(())
}

async fn delete(gateway: &Gateway, verifier: &Verifier<'_>) -> Result<()> {
    heading("Delete the key");
    let denied = km(gateway, &["delete", NAME], None).await?.expect(5)?;
    text(denied.stderr.trim());
    verifier.is_stored(&gateway.value).await?;
    claim("the default mode read_only denies it (exit 5); the key still exists");
    km(gateway, &["delete", NAME], Some("read_and_write")).await?.expect(0)?;
    verifier.is_deleted().await?;
    claim("read_and_write deletes it; the latest version has a deletion time in Vault");
    Ok(())
}

async fn read_deleted_key(gateway: &Gateway, verifier: &Verifier<'_>) -> Result<()> {
    heading("Read the deleted key");
    let missing = km(gateway, &["read", NAME], None).await?.expect(6)?;
    ensure!(missing.stdout.is_empty(), "stdout is not empty");
    ensure!(missing.stderr.starts_with("km: "), "no error message: {}", missing.stderr);
    text(missing.stderr.trim());
    verifier.is_deleted().await?;
    claim("km reports not found (exit 6), and so does the command line of the server");
    Ok(())
}

/// Prints and runs `km` with the environment block, in an access mode.
async fn km(gateway: &Gateway, arguments: &[&str], mode: Option<&str>) -> Result<Output> {
    let mode = mode.map(|mode| ("KM_ACCESS_MODE", mode));
    let shown = mode.map(|(name, value)| format!("{name}={value} ")).unwrap_or_default();
    show::command(&format!("{shown}km {}", arguments.join(" ")));
    let block = gateway.env_block.lines().filter_map(|line| line.split_once('='));
    let program = block.chain(mode).fold(Km::new(), |km, (name, value)| km.env(name, value));
    program.args(arguments).run().await
}
