//! A standby that redirects in place of forwarding. One of OpenBao serves reads itself, which may be
//! older than the last write, so that only its writes are redirected.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use testkit::{Flavor, Raw};
use tokio::time::{Instant, sleep};
use vault_kv::{Cas, Fields};

use super::{POLL, caught_up, cluster, kv_through, own_status, replicated, served_by};
use crate::product::{figure, path};
use crate::relay::Relay;

const PATIENT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn redirecting_standby_costs_one_redirect_to_the_leader() -> Result<()> {
    let cluster = cluster().await?;
    let leader = cluster.leader().await?;
    let fixture = cluster.node(leader).fixture().await?;
    fixture.put("name", json!({ "key": "v" })).await?;
    replicated(&cluster, &fixture, "name").await?;
    let (place, token) = (format!("{}/data/name", fixture.mount), fixture.server().root_token());
    let serves_reads = fixture.server().flavor() == Flavor::OpenBao;
    let others = cluster.others(leader);
    // Not read from a server, because a node that has just lost the leadership may be behind.
    let mut version = 1;
    for standby in &others {
        let status = noticed(cluster.raw(*standby), &place, token).await;
        assert_eq!(status, Some(if serves_reads { 200 } else { 307 }));
        let relay =
            Relay::to(cluster.address(*standby), "X-Vault-No-Request-Forwarding: true\r\n").await?;
        let kv = kv_through(relay.address(), &fixture, PATIENT)?;
        let name = path("name")?;
        kv.read(&name).await?;
        // The login and the read, and `sys/leader` by each client that was redirected. A read with
        // a token that the standby does not know yet is redirected too.
        let sent = relay.requests();
        assert!(sent == 4 || serves_reads && sent == 3, "{sent}");
        for _ in 0..10 {
            if serves_reads {
                caught_up(cluster.raw(*standby), &place, token, version).await?;
            }
            let fields = Fields::new().with("key", format!("{version}"));
            let written = kv.write(&name, &fields, Cas::Version(version)).await?;
            version += 1;
            assert_eq!(written.version, version);
            if !serves_reads {
                assert_eq!(kv.read(&name).await?.metadata.version, version);
            }
        }
        // The mount's version was requested once.
        assert_eq!(relay.requests(), 4 + 1 + if serves_reads { 10 } else { 20 });
    }

    // After a change of the leader, its address is confirmed again.
    let standby = others[0];
    let relay =
        Relay::to(cluster.address(standby), "X-Vault-No-Request-Forwarding: true\r\n").await?;
    let kv = kv_through(relay.address(), &fixture, PATIENT)?;
    kv.read(&path("name")?).await?;
    cluster.step_down().await?;
    let raws: Vec<_> = others.iter().map(|node| cluster.raw(*node).clone()).collect();
    let served = served_by(&raws, &place, token).await?;
    while kv.read(&path("name")?).await.is_err() {
        assert!(served.elapsed() < PATIENT, "no read works");
        sleep(POLL).await;
    }
    let took = Instant::now() - served;
    figure(&format!("redirected to the next leader {took:?} after it serves"));
    assert!(took <= Duration::from_secs(1), "{took:?}");
    Ok(())
}

/// Returns the status of a standby's response to a read, once the standby has noticed the mount.
async fn noticed(standby: &Raw, place: &str, token: &str) -> Option<u16> {
    let deadline = Instant::now() + PATIENT;
    loop {
        let status = own_status(standby, place, token).await;
        if status.is_some_and(|status| status != 400) || Instant::now() > deadline {
            return status;
        }
        sleep(POLL).await;
    }
}
