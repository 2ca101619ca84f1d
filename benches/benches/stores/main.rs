//! The cost of storing a virtual key: client CPU time, 64 in flight on one keep-alive pool, plain
//! HTTP to a server with a prepared response. Each key has a new alias.

mod plain;
mod project;

use anyhow::{Result, anyhow};
use benches::{Fleet, Server, criterion, group, pair, provide_cryptography};

fn main() -> Result<()> {
    provide_cryptography()?;
    let server = Server::start(env!("CARGO_BIN_EXE_canned-server"))?;
    let mut criterion = criterion();
    let mut group = group(&mut criterion, "stores");
    let plain = plain::Plain::new(&server.url())?;
    let mut plain = Fleet::new(async || Ok(plain.clone()))?;
    // Created on the runtime of the fleet, because connections belong to a runtime.
    let url = server.url();
    let keys = std::cell::OnceCell::new();
    let mut project = Fleet::new(async || {
        if keys.get().is_none() {
            // No other code sets it.
            let _ = keys.set(project::Project::new(&url)?);
        }
        keys.get().cloned().ok_or_else(|| anyhow!("no key manager"))
    })?;
    pair(&mut group, "km-proxy-adapter", &mut plain, &mut project);
    group.finish();
    Ok(())
}
