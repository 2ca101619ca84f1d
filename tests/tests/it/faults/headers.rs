//! The limits of a response's head.

use anyhow::Result;
use testkit::scripted::Answer;
use testkit::{Scripted, Step, secret};
use vault_http::ErrorKind;

use super::{Parts, stored};

/// A response with this many headers in all.
fn headers(count: usize) -> Answer {
    let value = secret("header");
    (2..count).fold(stored(1, "v"), |answer, n| answer.header(&format!("X-Header-{n}"), &value))
}

/// A response with one header of this many KiB.
fn long(kib: usize) -> Answer {
    let value = format!("{}{}", secret("header"), "x".repeat(kib * 1024));
    stored(1, "v").header("X-Long", &value)
}

async fn check(what: &str, steps: Vec<Step>, expected: Option<ErrorKind>) -> Result<()> {
    let server = Scripted::requests(move |_| steps.clone()).start()?;
    let parts = Parts::new(&server)?;
    let kind = parts.read().await.err().map(|error| parts.leak_free(error).kind());
    assert_eq!(kind, expected, "{what}");
    assert_eq!(server.record().total(), 1, "{what}: not asked again");
    Ok(())
}

#[tokio::test]
async fn head_above_100_headers_or_64_kib_is_malformed() -> Result<()> {
    check("100 headers", headers(100).into(), None).await?;
    check("60 KiB", long(60).into(), None).await?;
    check("101 headers", headers(101).into(), Some(ErrorKind::Malformed)).await?;
    check("70 KiB", long(70).into(), Some(ErrorKind::Malformed)).await
}

#[tokio::test]
async fn response_that_is_not_http_is_malformed() -> Result<()> {
    let value = secret("value");
    let check = |what, bytes: String| {
        check(what, vec![Step::Send(bytes.into()), Step::Close], Some(ErrorKind::Malformed))
    };
    check("a banner", format!("SSH-2.0-{value}\r\n\r\n")).await?;
    check("a name with a space", format!("HTTP/1.1 200 OK\r\nX {value}: y\r\n\r\n")).await?;
    check(
        "two lengths",
        format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{value}"),
    )
    .await?;
    check("a length that is none", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}".to_owned())
        .await?;
    check("HTTP/2 unasked", "HTTP/2.0 200 OK\r\n\r\n".to_owned()).await
}

#[tokio::test]
async fn head_without_an_end_is_abandoned() -> Result<()> {
    let line = format!("X-Header: {}\r\n", "x".repeat(1_000));
    let steps = vec![Step::Send("HTTP/1.1 200 OK\r\n".into()), Step::Repeat(line.into(), 300_000)];
    let server = Scripted::requests(move |_| steps.clone()).start()?;
    let parts = Parts::new(&server)?;
    assert!(matches!(parts.fails().await.kind(), ErrorKind::Malformed | ErrorKind::Interrupted));
    assert!(server.record().sent() < 48 * 1024 * 1024, "{}", server.record().sent());
    Ok(())
}
