//! The cost of an uncached KV read: client CPU time, 64 in flight on one keep-alive pool, plain
//! HTTP to a server with a prepared response.

mod project;
mod typed;
mod vaultrs;

use anyhow::Result;
use benches::{Bare, Fleet, Server, canned, criterion, group, pair, provide_cryptography};

fn main() -> Result<()> {
    provide_cryptography()?;
    let server = Server::start(env!("CARGO_BIN_EXE_canned-server"))?;
    let mut criterion = criterion();
    let mut group = group(&mut criterion, "uncached_read");
    let address = server.address();
    let mut bare = Fleet::new(async || Bare::connect(address, canned::PATH, canned::TOKEN).await)?;

    let typed = typed::Typed::new(&server.url())?;
    pair(&mut group, "reqwest", &mut bare, &mut Fleet::new(async || Ok(typed.clone()))?);
    let vaultrs = vaultrs::Vaultrs::new(&server.url())?;
    pair(&mut group, "vaultrs", &mut bare, &mut Fleet::new(async || Ok(vaultrs.clone()))?);
    let project = project::Project::new(&server.url())?;
    pair(&mut group, "vault-kv", &mut bare, &mut Fleet::new(async || Ok(project.clone()))?);
    group.finish();
    Ok(())
}
