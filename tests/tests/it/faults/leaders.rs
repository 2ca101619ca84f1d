//! The only redirect that is followed: to the node that the configured address reports as leader.

use anyhow::Result;
use testkit::Scripted;
use vault_http::{ErrorKind, Executed};

use super::redirects::{LEADER, redirect, standby};
use super::{DATA, Parts, errors, stored};

#[tokio::test]
async fn confirmed_leader_is_followed_with_one_look_up() -> Result<()> {
    let leader = Scripted::requests(|_| stored(2, "v").into()).start()?;
    let location = format!("{}{DATA}", leader.url());
    // Vault's address has no trailing slash; that of a load balancer may have one.
    for named in [leader.url(), format!("{}/", leader.url())] {
        let (before, standby) = (leader.record().total(), standby(307, &location, &named));
        let server = Scripted::requests(standby).start()?;
        let parts = Parts::new(&server)?;
        for _ in 0..3 {
            assert_eq!(parts.read().await?.status(), 200);
        }
        assert_eq!(leader.record().total() - before, 3);
        assert!(leader.record().has(&parts.token));
        let record = server.record();
        assert_eq!((record.count("GET", DATA), record.count("GET", LEADER)), (3, 1));
    }
    Ok(())
}

#[tokio::test]
async fn second_redirect_is_not_followed() -> Result<()> {
    let foreign = Scripted::requests(|_| stored(1, "foreign").into()).start()?;
    let onward = format!("{}{DATA}", foreign.url());
    let leader = Scripted::requests(move |_| redirect(307, &onward)).start()?;
    let location = format!("{}{DATA}", leader.url());
    let server = Scripted::requests(standby(307, &location, &leader.url())).start()?;
    let parts = Parts::hurried(&server)?;
    assert_eq!(parts.fails().await.kind(), ErrorKind::NoLeader);
    assert!(leader.record().total() > 1);
    assert_eq!(leader.record().total(), server.record().count("GET", DATA), "one hop each");
    assert_eq!(foreign.record().connections(), 0);
    Ok(())
}

#[tokio::test]
async fn unreachable_leader_is_no_leader() -> Result<()> {
    let gone = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let (location, named) = (format!("http://{gone}{DATA}"), format!("http://{gone}"));
    let server = Scripted::requests(standby(307, &location, &named)).start()?;
    let parts = Parts::hurried(&server)?;
    assert_eq!(parts.fails().await.kind(), ErrorKind::NoLeader);
    assert!(server.record().count("GET", DATA) > 1);
    Ok(())
}

#[tokio::test]
async fn redirected_write_is_ambiguous() -> Result<()> {
    let leader = Scripted::requests(|_| errors(503, "Vault is sealed").into()).start()?;
    let location = format!("{}{DATA}", leader.url());
    let server = Scripted::requests(standby(307, &location, &leader.url())).start()?;
    let parts = Parts::new(&server)?;
    let error = parts.leak_free(parts.write().await.unwrap_err());
    assert_eq!((error.kind(), error.executed()), (ErrorKind::Sealed, Executed::Maybe));
    assert_eq!((server.record().count("POST", DATA), leader.record().total()), (1, 1));
    Ok(())
}
