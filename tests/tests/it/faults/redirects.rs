//! The targets to which a redirect may lead a token: only the configured address, and the node that
//! it reports as leader.

use std::sync::Arc;

use anyhow::Result;
use serde_json::json;
use testkit::scripted::{self, Request as Asked};
use testkit::{Certs, Scripted, Step, secret};
use vault_http::{ErrorKind, Executed};

use super::{DATA, Parts, builder, read, stored};

pub(super) const LEADER: &str = "/v1/sys/leader";

pub(super) fn redirect(status: u16, location: &str) -> Vec<Step> {
    scripted::raw(status, "").header("Location", location).sized().into()
}

fn names(leader: &str) -> Vec<Step> {
    scripted::json(200, json!({ "ha_enabled": true, "leader_address": leader })).into()
}

/// A standby that redirects to `location` and reports `leader` as the leader. `OWN` in either is
/// replaced by its own address.
pub(super) fn standby(
    status: u16,
    location: &str,
    leader: &str,
) -> impl Fn(&Asked) -> Vec<Step> + Send + Sync + 'static {
    let (location, leader) = (location.to_owned(), leader.to_owned());
    move |asked| {
        let own = asked.head.lines().find_map(|line| line.strip_prefix("host: "));
        let fill = |text: &str| text.replace("OWN", own.unwrap_or_default());
        match asked.target.as_str() {
            LEADER => names(&fill(&leader)),
            _ => redirect(status, &fill(&location)),
        }
    }
}

/// Reads from a server that redirects to `location` and reports `leader` as the leader. No other
/// listener may receive the token.
async fn check(status: u16, location: &str, leader: &str, expected: ErrorKind) -> Result<()> {
    let foreign = Scripted::requests(|_| stored(1, "foreign").into()).at(([127, 0, 0, 2], 0));
    let foreign = foreign.start()?;
    let port = foreign.address().port();
    let alike = Scripted::requests(|_| stored(1, "foreign").into()).start()?;
    let fill = |text: &str| {
        text.replace("FOREIGN", &foreign.address().to_string())
            .replace("PORT", &port.to_string())
            .replace("ALIKE", &alike.address().to_string())
    };
    let (location, leader) = (fill(location), fill(leader));
    let server = Scripted::requests(standby(status, &location, &leader)).start()?;
    let parts = Parts::new(&server)?;
    let what = format!("{status} to {location}, leader {leader}");
    // Without retries, because they do not affect whether a redirect is followed.
    let error = parts.leak_free(parts.send(&read().without_retries()).await.unwrap_err());
    assert_eq!(error.kind(), expected, "{what}");
    let error = parts.leak_free(parts.write().await.unwrap_err());
    assert_eq!(error.executed(), Executed::Maybe, "{what}: it may have been executed before");
    for stranger in [&foreign, &alike] {
        assert_eq!(stranger.record().connections(), 0, "{what}");
        assert!(!stranger.record().has(&parts.token), "{what}");
    }
    let record = server.record();
    assert!(record.count("POST", DATA) <= 2, "{what}: {}", record.total());
    // At most the request, one redirect and `sys/leader` for each.
    assert!(record.total() <= 3 + 3, "{what}: {}", record.total());
    let asked = record.requests().into_iter().filter(|asked| asked.target == LEADER);
    for asked in asked {
        assert!(!asked.head.contains(&parts.token), "{what}: that question needs no token");
    }
    Ok(())
}

#[tokio::test]
async fn redirect_to_another_host_does_not_leak_the_token() -> Result<()> {
    let path = "v1/secret/data/OPENAI_API_KEY";
    for (location, expected) in [
        // The same request at another host that is not the leader.
        (format!("http://FOREIGN/{path}"), ErrorKind::NoLeader),
        (format!("http://ALIKE/{path}"), ErrorKind::NoLeader),
        (format!("https://FOREIGN/{path}"), ErrorKind::NoLeader),
        (format!("https://OWN/{path}"), ErrorKind::NoLeader),
        (format!("http://localhost:PORT/{path}"), ErrorKind::NoLeader),
        (format!("http://[::1]:PORT/{path}"), ErrorKind::NoLeader),
        // User info, which can disguise the host.
        (format!("http://user@OWN/{path}"), ErrorKind::Redirected),
        (format!("http://OWN@FOREIGN/{path}"), ErrorKind::Redirected),
        (format!("http://user:password@FOREIGN/{path}"), ErrorKind::Redirected),
        // Another request.
        ("http://OWN/v1/secret/data/ANOTHER".to_owned(), ErrorKind::Redirected),
        ("http://FOREIGN/v1/secret/data/ANOTHER".to_owned(), ErrorKind::Redirected),
        (format!("http://OWN/{path}?version=1"), ErrorKind::Redirected),
        (format!("http://OWN/{path}#part"), ErrorKind::Redirected),
        (format!("http://OWN/{path}/"), ErrorKind::Redirected),
        (format!("http://OWN//{path}"), ErrorKind::Redirected),
        ("http://OWN/ui/".to_owned(), ErrorKind::Redirected),
        ("http://FOREIGN".to_owned(), ErrorKind::Redirected),
        // Relative URLs of any kind.
        (format!("/{path}"), ErrorKind::Redirected),
        ("ANOTHER".to_owned(), ErrorKind::Redirected),
        ("../data/ANOTHER".to_owned(), ErrorKind::Redirected),
        (format!("//FOREIGN/{path}"), ErrorKind::Redirected),
        (format!("///FOREIGN/{path}"), ErrorKind::Redirected),
        (format!("\\\\FOREIGN\\{path}"), ErrorKind::Redirected),
        // Another scheme, or none.
        (format!("ftp://FOREIGN/{path}"), ErrorKind::Redirected),
        ("javascript:alert(1)".to_owned(), ErrorKind::Redirected),
        (String::new(), ErrorKind::Redirected),
        (format!("http://FOREIGN:99999/{path}"), ErrorKind::Redirected),
        // A loop: one redirect and no more.
        (format!("http://OWN/{path}"), ErrorKind::NoLeader),
    ] {
        check(307, &location, "http://OWN", expected).await?;
    }
    Ok(())
}

#[tokio::test]
async fn other_redirect_status_is_not_followed() -> Result<()> {
    for status in [300, 301, 302, 303, 305, 308] {
        for location in ["http://FOREIGN", "http://OWN"] {
            let location = format!("{location}{DATA}");
            check(status, &location, "http://FOREIGN", ErrorKind::Redirected).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn leader_with_a_similar_address_is_not_followed() -> Result<()> {
    for leader in [
        "",
        "http://OWN",
        "https://FOREIGN",
        "http://127.0.0.2",
        "http://user@FOREIGN",
        "http://FOREIGN@OWN",
        "http://FOREIGN0",
        "FOREIGN",
        "//FOREIGN",
        "http://127.0.0.2.example.com:PORT",
        "http://ALIKE",
    ] {
        check(307, &format!("http://FOREIGN{DATA}"), leader, ErrorKind::NoLeader).await?;
    }
    Ok(())
}

#[tokio::test]
async fn invalid_leader_response_is_not_followed() -> Result<()> {
    let foreign = Scripted::requests(|_| stored(1, "foreign").into()).start()?;
    let location = format!("{}{DATA}", foreign.url());
    let named = json!({ "leader_address": foreign.url() });
    let twice = format!(r#"{{"leader_address":"","leader_address":"{}"}}"#, foreign.url());
    for answer in [
        Vec::from(scripted::json(503, &named)),
        scripted::json(200, twice).into(),
        scripted::json(200, json!([named])).into(),
        scripted::raw(200, named.to_string()).header("Content-Type", "text/html").sized().into(),
        redirect(307, &format!("{}{LEADER}", foreign.url())),
        vec![Step::Reset],
    ] {
        let location = location.clone();
        let server = Scripted::requests(move |asked| {
            if asked.target == LEADER { answer.clone() } else { redirect(307, &location) }
        });
        let server = server.start()?;
        let parts = Parts::new(&server)?;
        let error = parts.leak_free(parts.send(&read().without_retries()).await.unwrap_err());
        assert_eq!(error.kind(), ErrorKind::NoLeader);
        assert_eq!(foreign.record().connections(), 0);
    }
    Ok(())
}

#[tokio::test]
async fn redirect_loop_is_followed_once() -> Result<()> {
    let server = Scripted::requests(|asked| {
        let own = asked.head.lines().find_map(|line| line.strip_prefix("host: "));
        let hop = asked.number % 11;
        if hop == 10 {
            return stored(1, "v").into();
        }
        redirect(307, &format!("http://{}{DATA}", own.unwrap_or_default()))
    });
    let server = server.start()?;
    let parts = Parts::new(&server)?;
    let error = parts.leak_free(parts.send(&read().without_retries()).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::NoLeader);
    assert_eq!(server.record().total(), 2, "one hop");
    Ok(())
}

#[tokio::test]
async fn redirect_to_plain_http_beyond_loopback_is_not_followed() -> Result<()> {
    // Nothing listens there, so that a connection would be an error of another kind.
    let leader = "http://192.0.2.1:8200";
    let server = Scripted::requests(standby(307, &format!("{leader}{DATA}"), leader)).start()?;
    let parts = Parts::new(&server)?;
    let error = parts.leak_free(parts.send(&read().without_retries()).await.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Redirected);
    assert_eq!(server.record().count("GET", LEADER), 0);
    Ok(())
}

#[tokio::test]
async fn redirect_from_https_to_http_is_not_followed() -> Result<()> {
    let certs = Certs::new()?;
    let plain = Scripted::requests(|_| stored(1, "v").into()).start()?;
    let location = format!("{}{DATA}", plain.url());
    let config = scripted::server_config(&certs.server)?;
    let standby = standby(307, &location, &plain.url());
    let server = Scripted::requests(standby).tls(Arc::clone(&config)).start()?;
    let parts = Parts::of(builder(&server.url())?.ca_pem(certs.ca()))?;
    assert_eq!(parts.fails().await.kind(), ErrorKind::Redirected);
    assert_eq!(plain.record().connections(), 0);

    // A leader with TLS and an untrusted certificate receives nothing either.
    let other = scripted::server_config(&Certs::new()?.server)?;
    let leader = Scripted::requests(|_| stored(1, secret("v").as_str()).into()).tls(other);
    let leader = leader.start()?;
    let location = format!("{}{DATA}", leader.url());
    let standby = self::standby(307, &location, &leader.url());
    let server = Scripted::requests(standby).tls(config).start()?;
    let parts = Parts::of(builder(&server.url())?.ca_pem(certs.ca()))?;
    assert_eq!(parts.fails().await.kind(), ErrorKind::Tls);
    assert_eq!((leader.record().connections(), leader.record().total()), (1, 0));
    Ok(())
}
