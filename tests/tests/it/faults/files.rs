//! Certificate and key files that are replaced at run time.

use anyhow::Result;
use testkit::scripted::{self, Scripted};
use testkit::{Certs, Step, leaks};

use super::{Parts, beside, builder, stored};
use crate::product::Files;

/// Each response ends its connection, so that the next read opens another one.
fn once() -> impl Fn(&scripted::Request) -> Vec<Step> + Send + Sync + 'static {
    beside(|_| vec![stored(1, "v").header("Connection", "close").into(), Step::Close])
}

/// Returns the common name of the certificate that was presented last.
fn shown(server: &Scripted, names: &[&'static str]) -> Option<&'static str> {
    let last = server.record().certificates().pop()?;
    let in_it = |name: &&str| last.windows(name.len()).any(|part| part == name.as_bytes());
    names.iter().copied().find(|name| in_it(name))
}

#[tokio::test]
async fn client_certificate_and_key_are_replaced_as_a_pair() -> Result<()> {
    let certs = Certs::new()?;
    let config = scripted::server_config_for_clients(&certs.server, &certs.client_ca())?;
    let server = Scripted::requests(once()).tls(config).start()?;
    let (files, names) = (Files::new()?, ["gateway-old", "gateway-new"]);
    let (old, new) = (certs.client(names[0])?, certs.client(names[1])?);
    let certificate = files.write("cert.pem", &old.certificate)?;
    let key = files.write("key.pem", &old.key)?;
    let identified = builder(&server.url())?.identity_files(&certificate, &key);
    let parts = Parts::of(identified.ca_pem(certs.ca()))?;
    let expect = async |expected: &str| -> Result<()> {
        assert_eq!(parts.read().await?.status(), 200);
        assert_eq!(shown(&server, &names), Some(expected));
        Ok(())
    };
    expect("gateway-old").await?;
    files.write("cert.pem", &new.certificate)?;
    expect("gateway-old").await?;
    files.write("key.pem", &new.key)?;
    expect("gateway-new").await?;
    // After half of a write, and without a file, the last valid pair is used.
    files.write("cert.pem", &old.certificate[..200])?;
    expect("gateway-new").await?;
    std::fs::remove_file(&key)?;
    expect("gateway-new").await?;
    assert_eq!(server.record().connections(), 5);
    Ok(())
}

#[tokio::test]
async fn authority_is_replaced_without_a_restart() -> Result<()> {
    let _watch = leaks::watch();
    let (old, new) = (Certs::new()?, Certs::new()?);
    let files = Files::new()?;
    let ca = files.write("ca.pem", &old.ca())?;
    let server = Scripted::requests(once()).tls(scripted::server_config(&old.server)?).start()?;
    let address = server.address();
    let parts = Parts::of(builder(&server.url())?.ca_file(&ca))?;
    assert_eq!(parts.read().await?.status(), 200);
    server.stop().await;

    let config = scripted::server_config(&new.server)?;
    let server = Scripted::requests(once()).tls(config).at(address).start()?;
    assert_eq!(parts.fails().await.kind(), vault_http::ErrorKind::Tls);
    files.write("ca.pem", &new.ca())?;
    assert_eq!(parts.read().await?.status(), 200);
    assert_eq!(server.record().connections(), 2);
    Ok(())
}
