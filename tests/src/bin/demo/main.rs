//! Demonstrates `km` against a real Vault: setup as an operator, then `km check`, `km read` and
//! `km delete`, then a team's virtual key. Every claim is verified on the server without `km`, and
//! one that fails ends the demo with an error. Nothing is left running.
#![expect(clippy::print_stdout, reason = "a program for people to read")]

mod embedded;
mod look;
mod operator;
mod show;
mod team;

use anyhow::{Result, ensure};
use testkit::{Km, Output, Server};

use look::Look;
use operator::{Gateway, NAME};
use show::{claim, heading, text};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    heading("A Vault of its own");
    let server = Server::dev_alone().await?;
    text(&format!("a dev server runs at {}; all it holds is in memory", server.address()));

    let gateway = operator::set_up(&server).await?;
    let look = Look::new(&server, &gateway);
    check(&gateway, &look).await?;
    read(&gateway, &look).await?;
    embedded::read_twice(&server, &gateway, &look).await?;
    delete(&gateway, &look).await?;
    read_what_is_gone(&gateway, &look).await?;
    team::keys_of_a_team(&server, &gateway).await?;

    heading("Nothing is left");
    let raw = server.raw().clone();
    drop(server);
    ensure!(raw.call("GET", "sys/health", None, None).await.is_err(), "the server still answers");
    claim("the server is gone, and its data with it");
    operator::go_on_by_hand();
    Ok(())
}

async fn check(gateway: &Gateway, look: &Look<'_>) -> Result<()> {
    heading("The settings are right");
    let output = km(gateway, &["check"], None).await?.expect(0)?;
    ensure!(!output.stdout.is_empty(), "km check says nothing");
    text(output.text()?);
    look.credentials_may_read().await?;
    claim("km check is content; beside it, a plain login with these credentials may read the path");
    Ok(())
}

async fn read(gateway: &Gateway, look: &Look<'_>) -> Result<()> {
    heading("The key is read");
    for arguments in [&["read", NAME][..], &["read", NAME, "--explain"]] {
        let output = km(gateway, arguments, None).await?.expect(0)?;
        ensure!(output.stdout == gateway.value.as_bytes(), "km read gave something else");
        ensure!(!output.stderr.contains(&gateway.value), "the value stands on stderr");
        text(&format!("{} bytes on stdout {}", output.stdout.len(), output.stderr.trim()));
    }
    look.is_stored(&gateway.value).await?;
    claim("twice the bytes that were stored; `vault kv get` and plain HTTP see the same");
    Ok(())
}

async fn delete(gateway: &Gateway, look: &Look<'_>) -> Result<()> {
    heading("The key is deleted");
    let refused = km(gateway, &["delete", NAME], None).await?.expect(5)?;
    text(refused.stderr.trim());
    look.is_stored(&gateway.value).await?;
    claim("read_only, the default, refuses (exit 5); the key is still there");
    km(gateway, &["delete", NAME], Some("read_and_write")).await?.expect(0)?;
    look.is_deleted().await?;
    claim("read_and_write deletes; Vault shows the latest version with a time of deletion");
    Ok(())
}

async fn read_what_is_gone(gateway: &Gateway, look: &Look<'_>) -> Result<()> {
    heading("The key is read again");
    let gone = km(gateway, &["read", NAME], None).await?.expect(6)?;
    ensure!(gone.stdout.is_empty(), "something stands on stdout");
    ensure!(gone.stderr.starts_with("km: "), "no clear message: {}", gone.stderr);
    text(gone.stderr.trim());
    look.is_deleted().await?;
    claim("not found (exit 6), and said so; `vault kv get` finds nothing either");
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
