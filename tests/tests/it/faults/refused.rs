//! TLS that is refused: once, with its cause, and before any byte of a request.

use anyhow::Result;
use testkit::scripted::{self, Setup};
use testkit::{Certs, Km, Scripted, Step, leaks, secret};
use vault_http::{ErrorKind, Executed};

use super::certificates::{Authority, Flaw, self_signed};
use super::program::km;
use super::{PATIENCE, Parts, builder, well};
use crate::product::Files;

/// The outcome of a handshake with `server`: for a read and a write of the client, and for the
/// program, which names the variable to change.
async fn check(server: Setup, ca: &str, detail: &str, variable: &str) -> Result<()> {
    let server = server.start()?;
    let url = server.url().replace("http:", "https:");
    let parts = Parts::of(builder(&url)?.ca_pem(ca))?;
    let error = parts.fails().await;
    assert_eq!((error.kind(), error.detail()), (ErrorKind::Tls, detail));
    assert_eq!(error.executed(), Executed::No, "{detail}");
    assert_eq!(server.record().connections(), 1, "{detail}: tried again");
    let error = parts.leak_free(parts.write().await.unwrap_err());
    assert_eq!((error.kind(), server.record().connections()), (ErrorKind::Tls, 2), "{detail}");

    let files = Files::new()?;
    let program = km(&url, &secret("token")).env("KM_CA_CERT", files.write("ca.pem", ca)?);
    let output = program.args(["read", super::NAME]).run().await?.expect(4)?;
    assert!(output.stderr.contains(detail), "{detail}: {}", output.stderr);
    assert!(output.stderr.contains(variable), "{variable}: {}", output.stderr);
    assert_eq!(server.record().connections(), 3, "{detail}: tried again by km");

    assert_eq!(server.record().total(), 0, "{detail}: a request came through");
    for planted in [parts.token.as_str(), "PLANTED-"] {
        assert!(!server.record().has(planted), "{detail}: on the wire");
    }
    Ok(())
}

#[tokio::test]
async fn invalid_certificate_is_refused_once_with_its_cause() -> Result<()> {
    let authority = Authority::new("an authority")?;
    let stranger = Authority::new("another authority")?;
    let (ca, bundle) = (authority.pem(), "KM_CA_CERT");
    let untrusted = "the server's certificate is signed by an unknown authority";
    for (pem, detail, variable) in [
        (authority.server(Flaw::Expired)?, "the server's certificate has expired", bundle),
        (authority.server(Flaw::NotYetValid)?, "the server's certificate is not yet valid", bundle),
        (
            authority.server(Flaw::OtherHost)?,
            "the server's certificate is not valid for this host name",
            "KM_TLS_SERVER_NAME",
        ),
        (stranger.server(Flaw::None)?, untrusted, bundle),
        (self_signed()?, untrusted, bundle),
    ] {
        let server = Scripted::requests(well()).tls(scripted::server_config(&pem)?);
        check(server, &ca, detail, variable).await?;
    }
    Ok(())
}

#[tokio::test]
async fn authority_with_a_trusted_name_and_another_key_is_untrusted() -> Result<()> {
    let (trusted, other) = (Authority::new("an authority")?, Authority::new("an authority")?);
    let config = scripted::server_config(&other.server(Flaw::None)?)?;
    let untrusted = "the server's certificate is signed by an unknown authority";
    let server = Scripted::requests(well()).tls(config);
    check(server, &trusted.pem(), untrusted, "KM_CA_CERT").await
}

/// The start of a TLS 1.1 handshake. `rustls` does not support it, but five fields are enough.
fn server_hello_1_1() -> Vec<u8> {
    let mut hello = vec![2, 0, 0, 38, 3, 2];
    hello.extend_from_slice(&[7; 32]);
    // No session, TLS_RSA_WITH_AES_128_CBC_SHA, no compression.
    hello.extend_from_slice(&[0, 0, 0x2f, 0]);
    let mut record = vec![0x16, 3, 2, 0, 42];
    record.extend_from_slice(&hello);
    record
}

#[tokio::test]
async fn tls_1_1_server_is_refused() -> Result<()> {
    let ca = Authority::new("an authority")?.pem();
    let detail = "the server does not support TLS 1.2 or later";
    // The alert `protocol_version`, as such servers send it, and a server that continues anyway.
    let alert = vec![0x15, 3, 2, 0, 2, 2, 70];
    for bytes in [alert, server_hello_1_1()] {
        let script = move |_| vec![Step::Send(bytes.clone().into()), Step::Wait(PATIENCE)];
        check(Scripted::connections(script), &ca, detail, "HCP_VAULT_ADDR").await?;
    }
    Ok(())
}

#[tokio::test]
async fn plain_http_server_is_refused_for_https() -> Result<()> {
    let ca = Authority::new("an authority")?.pem();
    let detail = "the server does not speak TLS on this port";
    let answer = scripted::raw(400, "").header("Connection", "close").bytes();
    let script = move |_| vec![Step::Send(answer.clone().into()), Step::Wait(PATIENCE)];
    check(Scripted::connections(script), &ca, detail, "HCP_VAULT_ADDR").await?;
    let garbage = |_| vec![Step::Send("SSH-2.0-OpenSSH_9.6\r\n".into()), Step::Wait(PATIENCE)];
    check(Scripted::connections(garbage), &ca, detail, "HCP_VAULT_ADDR").await
}

#[tokio::test]
async fn plain_http_to_a_tls_port_is_sent_once() -> Result<()> {
    let watch = leaks::watch();
    // The response of Go's servers, Vault included; a TLS library sends an alert.
    let says = scripted::raw(400, "Client sent an HTTP request to an HTTPS server.\n");
    let says = says.header("Connection", "close").sized().bytes();
    for bytes in [says, vec![0x15, 3, 3, 0, 2, 2, 10]] {
        let script = move |_| vec![Step::Read, Step::Send(bytes.clone().into()), Step::Close];
        let server = Scripted::connections(script).start()?;
        let parts = Parts::new(&server)?;
        assert_eq!(parts.fails().await.kind(), ErrorKind::Malformed);
        assert_eq!(server.record().connections(), 1);
        let program: Km = km(&server.url(), &secret("token")).args(["read", super::NAME]);
        let output = program.run().await?.expect(4)?;
        assert!(output.stderr.contains("HCP_VAULT_ADDR"), "{}", output.stderr);
        watch.text("stderr", &output.stderr);
        assert_eq!(server.record().connections(), 2);
    }
    Ok(())
}

#[tokio::test]
async fn missing_client_certificate_is_reported() -> Result<()> {
    let certs = Certs::new()?;
    let config = scripted::server_config_for_clients(&certs.server, &certs.client_ca())?;
    let server = Scripted::requests(well()).tls(config).start()?;
    let parts = Parts::of(builder(&server.url())?.ca_pem(certs.ca()))?;
    let error = parts.fails().await;
    let detail = "the server rejected the client certificate";
    assert_eq!((error.kind(), error.detail()), (ErrorKind::Tls, detail));
    assert_eq!((server.record().connections(), server.record().total()), (1, 0));
    assert!(!server.record().has(&parts.token));
    Ok(())
}
