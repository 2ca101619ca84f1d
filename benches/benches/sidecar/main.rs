//! What does a cached read cost the sidecar? The CPU time of a running `km serve`, on loopback, beside
//! that of axum handlers that have the same bytes ready; 64 in flight on connections that are kept,
//! at each of the two doors.

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
        // The first of its reads fills the cache.
        let mut sidecar = fleet(km.address())?.metered(Meter::of(km.id())?);
        let mut group = group(&mut criterion, name);
        pair(&mut group, "km", &mut bare, &mut sidecar);
        group.finish();
    }
    Ok(())
}

/// Fails unless both answer with as many bytes, but for a digit of the value's age.
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
