//! The cost of a cached value: `secret-cache` beside common maps and caches. Also the cost of
//! insertions, and of 1,000 concurrent misses.

#![expect(
    clippy::indexing_slicing,
    reason = "the places come from the length; a check would be measured too"
)]

mod adapter;
mod filling;
mod herd;
mod names;
mod peers;
mod project;

use anyhow::Result;
use benches::{Server, criterion, group, pair_of};
use criterion::Criterion;

use names::{NAMES, Names};

fn main() -> Result<()> {
    let server = Server::start(env!("CARGO_BIN_EXE_canned-server"))?;
    let mut criterion = criterion();
    hits(&mut criterion, "cache_hit", &server, &Names::new(NAMES), 1)?;
    hits(&mut criterion, "cache_hot", &server, &Names::new(1), 2)?;
    filling::compare(&mut criterion);
    herd::compare(&mut criterion)
}

/// Measures look-ups of cached names on `threads` threads. Each look-up depends on the previous
/// value.
fn hits(
    criterion: &mut Criterion,
    name: &str,
    server: &Server,
    names: &Names,
    threads: usize,
) -> Result<()> {
    let project = project::Project::fill(names)?;
    let adapter = adapter::Adapter::fill(names, server)?;
    let mut group = group(criterion, name);
    let mut map = peers::map(names, threads);
    let mut compare = |name: &str, contender: benches::Run<'_>| {
        pair_of(&mut group, name, &mut map, contender);
    };
    compare("papaya", &mut peers::papaya(names, threads));
    compare("rwlock", &mut peers::rwlock(names, threads));
    compare("dashmap", &mut peers::dashmap(names, threads));
    compare("quick_cache", &mut peers::quick_cache(names, threads));
    compare("moka", &mut peers::moka(names, threads, None));
    compare("moka-expiry", &mut peers::moka(names, threads, Some(project::INTERVAL)));
    compare("secret-cache", &mut project.by_name(names, threads));
    compare("secret-cache-handle", &mut project.by_handle(names, threads));
    compare("secret-cache-peek", &mut project.peek_by_name(names, threads));
    compare("secret-cache-handle-peek", &mut project.peek_by_handle(names, threads));
    compare("km-proxy-adapter", &mut adapter.by_name(names, threads));
    compare("km-proxy-adapter-handle", &mut adapter.by_handle(names, threads));
    group.finish();
    Ok(())
}
