//! The cost of a cached read through the sidecar: the CPU time of a running `km serve` on loopback
//! beside axum handlers with the same bytes prepared, for each of the two APIs. 64 requests are in
//! flight on keep-alive connections.

mod km;

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use benches::{Bare, Fleet, Meter, Reader, Server, canned, criterion, group, pair};
use tokio::runtime::Builder;

fn main() -> Result<()> {
    let vault = Server::start(env!("CARGO_BIN_EXE_canned-server"))?;
    let bare = Server::start(env!("CARGO_BIN_EXE_bare-axum"))?;
    let km = km::Km::start(&vault.url())?;
    let mut criterion = criterion();
    for (name, path) in [("sidecar_native", canned::NATIVE_PATH), ("sidecar_vault", canned::PATH)] {
        same(bare.address(), km.address(), path)?;
        let fleet = |address| Fleet::new(async || Bare::connect(address, path, km::TOKEN).await);
        let mut bare = fleet(bare.address())?.metered(Meter::of(bare.id())?);
        // The first read fills the cache.
        let mut sidecar = fleet(km.address())?.metered(Meter::of(km.id())?);
        let mut group = group(&mut criterion, name);
        pair(&mut group, "km", &mut bare, &mut sidecar);
        group.finish();
    }
    Ok(())
}

/// Fails unless both responses have the same length, apart from a digit of the value's age.
fn same(bare: SocketAddr, km: SocketAddr, path: &'static str) -> Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let length = |address| {
        runtime.block_on(async {
            let answer = Bare::connect(address, path, km::TOKEN).await?.read().await?;
            Ok::<_, anyhow::Error>(answer.len())
        })
    };
    let (bare, km) = (length(bare)?, length(km)?);
    ensure!(bare.abs_diff(km) <= 1, "{path}: {km} bytes of km beside {bare}");
    Ok(())
}
