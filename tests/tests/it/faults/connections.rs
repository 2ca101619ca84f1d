//! Connections that are kept, closed, shared and counted.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use testkit::{Scripted, Step};
use tokio::task::JoinSet;
use vault_http::{Address, Client, Deadline, ErrorKind, Plaintext, Resolve};

use super::{Parts, read, stored, token};

#[tokio::test]
async fn connection_closed_between_requests_causes_no_error() -> Result<()> {
    const READS: usize = 10_000;
    for last in [Step::Close, Step::Reset] {
        let server = Scripted::requests(move |asked| {
            let mut steps = vec![stored(1, "v").into()];
            if asked.on_connection % 7 == 6 {
                steps.push(last.clone());
            }
            steps
        });
        let server = server.start()?;
        let parts = Arc::new(Parts::new(&server)?);
        let mut readers = JoinSet::new();
        for _ in 0..4 {
            let parts = Arc::clone(&parts);
            readers.spawn(async move {
                for _ in 0..READS / 8 {
                    assert_eq!(parts.read().await.expect("no read fails").status(), 200);
                }
            });
        }
        readers.join_all().await;
        let record = server.record();
        assert!(record.connections() >= READS / 2 / 7, "{}", record.connections());
        assert!(record.total() >= READS / 2 && record.total() <= READS / 2 * 11 / 10);
    }
    Ok(())
}

/// A name whose address changes.
#[derive(Clone)]
struct Leads(Arc<Mutex<SocketAddr>>);

#[async_trait]
impl Resolve for Leads {
    async fn resolve(&self, _: &str) -> std::io::Result<Vec<SocketAddr>> {
        Ok(vec![*self.0.lock().unwrap_or_else(PoisonError::into_inner)])
    }
}

/// Returns a client of a host name at this port.
fn named(port: u16, leads: &Leads) -> Result<Parts> {
    let url = format!("http://vault.test:{port}");
    let address = Address::parse(&url, Plaintext::DangerAnywhere)?;
    Parts::of(Client::builder(address).resolver(leads.clone()))
}

#[tokio::test]
async fn changed_address_is_followed_within_30_s() -> Result<()> {
    let old = Scripted::requests(|_| stored(1, "old").into()).start()?;
    let port = old.address().port();
    let new = Scripted::requests(|_| stored(1, "new").into()).at(([127, 0, 0, 2], port)).start()?;
    let leads = Leads(Arc::new(Mutex::new(old.address())));
    let parts = named(port, &leads)?;
    let seen = || (old.record().total(), new.record().total());
    parts.read().await?;
    assert_eq!(seen(), (1, 0));
    *leads.0.lock().unwrap_or_else(PoisonError::into_inner) = new.address();
    // The old address still responds, and its connection is in use all the time. Sockets need real
    // time, so that the clock is only advanced between the reads.
    let mut followed_after = None;
    for second in 1..=30 {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(1)).await;
        tokio::time::resume();
        parts.read().await?;
        if new.record().total() == 1 && followed_after.is_none() {
            followed_after = Some(second);
        }
    }
    assert!(followed_after.is_some_and(|second| second < 30), "{followed_after:?} {:?}", seen());
    assert_eq!(seen().0 + seen().1, 31);
    assert!(old.record().connections() == 1 && new.record().connections() <= 2, "kept meanwhile");
    Ok(())
}

#[tokio::test]
async fn unreachable_old_address_is_left_at_once() -> Result<()> {
    let old = Scripted::requests(|_| vec![stored(1, "old").into(), Step::Close]).start()?;
    let port = old.address().port();
    let new = Scripted::requests(|_| stored(1, "new").into()).at(([127, 0, 0, 2], port)).start()?;
    let leads = Leads(Arc::new(Mutex::new(old.address())));
    let parts = named(port, &leads)?;
    parts.read().await?;
    old.stop().await;
    *leads.0.lock().unwrap_or_else(PoisonError::into_inner) = new.address();
    parts.read().await?;
    assert_eq!(new.record().total(), 1);
    Ok(())
}

#[tokio::test]
async fn requests_in_flight_are_limited_to_64() -> Result<()> {
    let server =
        Scripted::requests(|_| vec![Step::Wait(Duration::from_millis(100)), stored(1, "v").into()]);
    let server = server.start()?;
    let parts = Arc::new(Parts::new(&server)?);
    let mut readers = JoinSet::new();
    for _ in 0..200 {
        let parts = Arc::clone(&parts);
        readers.spawn(async move { parts.read().await.map(|answer| answer.status()) });
    }
    let answers = readers.join_all().await;
    assert!(answers.iter().all(|answer| matches!(answer, Ok(200))), "those who wait are served");
    assert_eq!((server.record().most_at_once(), server.record().total()), (64, 200));
    Ok(())
}

#[tokio::test]
async fn request_to_a_full_queue_fails_at_once() -> Result<()> {
    const READS: usize = 1_200;
    // Less than the time for a first byte, so that requests in flight remain there.
    let time = Duration::from_millis(1_500);
    let server = Scripted::requests(|_| vec![Step::Hang]).start()?;
    let parts = Arc::new(Parts::new(&server)?);
    // One deadline for all requests, so that no permit is released for another one.
    let (mut readers, deadline) = (JoinSet::new(), Deadline::after(time));
    for _ in 0..READS {
        let parts = Arc::clone(&parts);
        readers.spawn(async move {
            let token = token(&parts.token).expect("a planted token is one");
            let outcome = parts.client.send(&read(), Some(&token), deadline).await;
            let left = deadline.remaining();
            (parts.leak_free(outcome.expect_err("no server responds")).kind(), left.is_zero())
        });
    }
    let ends = readers.join_all().await;
    let count = |end: (ErrorKind, bool)| ends.iter().filter(|other| **other == end).count();
    assert_eq!(count((ErrorKind::Overloaded, false)), READS - 64 - 1_024, "rejected at once");
    assert_eq!(count((ErrorKind::Timeout, true)), 64, "asked, and got no answer");
    assert_eq!(count((ErrorKind::Overloaded, true)), 1_024, "waited until the deadline");
    assert_eq!(server.record().total(), 64, "nothing is sent after the deadline");
    Ok(())
}
