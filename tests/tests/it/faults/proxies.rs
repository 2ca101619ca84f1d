//! Proxies: none from the environment, and a configured one.

use std::net::SocketAddr;

use anyhow::Result;
use async_trait::async_trait;
use testkit::{Certs, Scripted, Step, leaks, scripted, secret};
use vault_http::{ErrorKind, Resolve};

use super::program::km;
use super::{HURRY, NAME, Parts, builder, stored, well};
use crate::product::{Files, Silence};

#[tokio::test]
async fn proxy_of_the_environment_gets_no_connection() -> Result<()> {
    let watch = leaks::watch();
    let certs = Certs::new()?;
    let files = Files::new()?;
    let ca = files.write("ca.pem", &certs.ca())?;
    let plain = Scripted::requests(well()).start()?;
    let tls = Scripted::requests(well()).tls(scripted::server_config(&certs.server)?).start()?;
    for server in [&plain, &tls] {
        let proxy = Silence::new()?;
        let mut program = km(&server.url(), &secret("token")).env("KM_CA_CERT", &ca);
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY", "CGI_HTTP_PROXY"] {
            program = program
                .env(name, proxy.address()?)
                .env(name.to_ascii_lowercase(), proxy.address()?);
        }
        let output = program.args(["read", NAME]).run().await?.expect(0)?;
        assert_eq!(output.text()?, "v");
        watch.text("stderr", &output.stderr);
        proxy.expect_nobody()?;
        assert!(server.record().total() >= 1);
    }
    Ok(())
}

#[tokio::test]
async fn configured_proxy_sees_only_the_target() -> Result<()> {
    let certs = Certs::new()?;
    let value = secret("value");
    let answer = stored(1, &value);
    let server = Scripted::requests(move |_| answer.clone().into());
    let server = server.tls(scripted::server_config(&certs.server)?).start()?;
    let to = server.address();
    let proxy = Scripted::connections(move |_| {
        let established = scripted::raw(200, "").into();
        vec![Step::Read, established, Step::Relay(to)]
    });
    let proxy = proxy.start()?;
    // Only the proxy connects to this name; the client does not resolve it.
    let url = format!("https://localhost:{}", to.port());
    let builder = builder(&url)?.proxy(proxy.url()).ca_pem(certs.ca()).resolver(Unresolved);
    let parts = Parts::of(builder)?;
    for _ in 0..3 {
        assert_eq!(parts.read().await?.status(), 200);
    }
    let asked = proxy.record().requests();
    let connect = asked.first().map(|asked| (asked.method.as_str(), asked.target.as_str()));
    assert_eq!(connect, Some(("CONNECT", format!("localhost:{}", to.port()).as_str())));
    assert_eq!((asked.len(), server.record().total()), (1, 3));
    for seen in [&parts.token, &value, &"secret/data".to_owned()] {
        assert!(!proxy.record().has(seen));
    }
    assert!(server.record().has(&parts.token));
    Ok(())
}

#[tokio::test]
async fn refusing_proxy_is_unreachable() -> Result<()> {
    let proxy = Scripted::requests(|_| {
        vec![scripted::raw(407, "").header("Content-Length", "0").into(), Step::Close]
    });
    let proxy = proxy.start()?;
    let builder = builder("https://vault.test:8200")?.deadline(HURRY);
    let parts = Parts::of(builder.proxy(proxy.url()))?;
    assert_eq!(parts.fails().await.kind(), ErrorKind::Unreachable);
    assert!(!proxy.record().has(&parts.token));
    assert!(proxy.record().total() > 1);
    Ok(())
}

/// Resolves no name, so that its use shows a direct connection.
struct Unresolved;

#[async_trait]
impl Resolve for Unresolved {
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<SocketAddr>> {
        Err(std::io::Error::other(host.to_owned()))
    }
}
