//! Addresses and connections that do not respond, as after the loss of a route or a suspend.
//! Packets are lost by a listener with a full queue, and by a server that stops responding.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use testkit::{Scripted, Step};
use tokio::task::JoinSet;
use tokio::time::Instant;
use vault_http::{Address, Client, Plaintext, Resolve};

use super::deadlines::BlackHole;
use super::{Parts, stored};

/// A name with several addresses.
struct Addresses(Vec<SocketAddr>);

#[async_trait]
impl Resolve for Addresses {
    async fn resolve(&self, _: &str) -> std::io::Result<Vec<SocketAddr>> {
        Ok(self.0.clone())
    }
}

#[tokio::test]
async fn first_address_that_is_dead_leaves_time_for_the_others() -> Result<()> {
    let hole = BlackHole::new().await?;
    let port = hole.address.port();
    let server = Scripted::requests(|_| stored(1, "v").into()).at(([127, 0, 0, 2], port));
    let server = server.start()?;
    let addresses = Addresses(vec![hole.address, server.address()]);
    let address = Address::parse(&format!("http://vault.test:{port}"), Plaintext::DangerAnywhere)?;
    let parts = Parts::of(Client::builder(address).resolver(addresses))?;
    let started = Instant::now();
    assert_eq!(parts.read().await?.status(), 200);
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    Ok(())
}

#[tokio::test]
async fn pooled_connections_that_are_dead_cost_one_try() -> Result<()> {
    const POOLED: usize = 8;
    let dead = Arc::new(AtomicBool::new(false));
    let is_dead = Arc::clone(&dead);
    let server = Scripted::requests(move |asked| {
        let hangs = is_dead.load(SeqCst) && asked.on_connection > 0;
        let slow = Step::Wait(Duration::from_millis(100));
        if hangs { vec![Step::Hang] } else { vec![slow, stored(1, "v").into()] }
    });
    let server = server.start()?;
    let parts =
        Arc::new(Parts::of(super::builder(&server.url())?.deadline(Duration::from_secs(5)))?);
    let mut readers = JoinSet::new();
    for _ in 0..POOLED {
        let parts = Arc::clone(&parts);
        readers.spawn(async move { parts.read().await.map(|answer| answer.status()) });
    }
    assert!(readers.join_all().await.into_iter().all(|read| matches!(read, Ok(200))));
    assert_eq!(server.record().connections(), POOLED);
    dead.store(true, SeqCst);

    let started = Instant::now();
    assert_eq!(parts.read().await?.status(), 200);
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    assert_eq!(server.record().connections(), POOLED + 1, "the other dead ones are not tried");
    Ok(())
}

#[tokio::test]
async fn request_with_its_deadline_alone_waits_beyond_two_seconds() -> Result<()> {
    let server = Scripted::requests(|_| {
        vec![Step::Wait(Duration::from_millis(2_500)), stored(1, "v").into()]
    });
    let server = server.start()?;
    let parts = Parts::new(&server)?;
    let slow = super::read().first_byte_limit(None);
    assert_eq!(parts.send(&slow).await?.status(), 200);
    assert_eq!(server.record().total(), 1);
    Ok(())
}
