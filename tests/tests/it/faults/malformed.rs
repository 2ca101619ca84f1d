//! Responses that are not Vault's: refused at once, and never quoted.

use anyhow::Result;
use testkit::scripted::{self, Answer};
use testkit::{Scripted, secret};
use vault_http::ErrorKind;

use super::{Parts, name, well};

/// A response with the content type JSON.
fn json(body: impl Into<Vec<u8>>) -> Answer {
    scripted::raw(200, body).header("Content-Type", "application/json").sized()
}

async fn check(what: &str, answer: Answer) -> Result<()> {
    let server = Scripted::requests(move |_| answer.clone().into()).start()?;
    let parts = Parts::new(&server)?;
    let error = parts.read().await.expect_err(what);
    assert_eq!(parts.leak_free(error).kind(), ErrorKind::Malformed, "{what}");
    assert_eq!(server.record().total(), 1, "{what}: not asked again");
    // Also through the engine, which has its own error texts.
    let error = parts.kv()?.read(&name()?).await.unwrap_err();
    assert_eq!(error.kind(), vault_kv::ErrorKind::Exchange(ErrorKind::Malformed), "{what}");
    parts.watch.error(&error);
    Ok(())
}

#[tokio::test]
async fn response_not_of_vault_is_malformed_and_not_quoted() -> Result<()> {
    let value = secret("value");
    let envelope = |inner: &str| {
        format!(r#"{{"data":{{"data":{{"key":"{value}"}},"metadata":{{"version":1}}}}{inner}}}"#)
    };
    let nested = |depth: usize| format!(r#","x":{}{}"#, "[".repeat(depth), "]".repeat(depth));
    let html = format!("<html><body>{value}</body></html>");
    let typed = |kind: &str| scripted::raw(200, envelope("")).header("Content-Type", kind).sized();
    let mut not_utf_8 = envelope("").into_bytes();
    not_utf_8[30] = 0xff;
    for (what, answer) in [
        ("a page", scripted::raw(200, html.clone()).header("Content-Type", "text/html").sized()),
        ("a page that says that it is JSON", json(html)),
        ("text", typed("text/plain")),
        ("another kind of JSON", typed("application/jsonp")),
        ("no type", scripted::raw(200, envelope("")).sized()),
        ("no body", json("")),
        ("no UTF-8", json(not_utf_8)),
        ("a surrogate of its own", json(envelope(r#","x":"\ud800""#))),
        ("a name twice, in the envelope", json(envelope(r#","data":{}"#))),
        ("a name twice, deep down", json(envelope(r#","x":[{"a":1,"a":2}]"#))),
        ("a name twice, written in two ways", json(envelope(r#","x":{"a":1,"\u0061":2}"#))),
        ("200 levels", json(envelope(&nested(200)))),
        ("100,000 levels", json(envelope(&nested(100_000)))),
        ("NaN", json(envelope(r#","x":NaN"#))),
        ("Infinity", json(envelope(r#","x":-Infinity"#))),
        ("two documents", json(envelope("").repeat(2))),
        ("a byte order mark", json(format!("\u{feff}{}", envelope("")))),
        ("an array", json(format!("[{}]", envelope("")))),
        ("errors in a 200", json(envelope(&format!(r#","errors":["{value}"]"#)))),
        ("gzip", json(envelope("")).header("Content-Encoding", "gzip")),
        ("br", json(envelope("")).header("Content-Encoding", "br")),
        ("gzip twice", json(envelope("")).header("Content-Encoding", "identity, gzip")),
        ("a page at 404", scripted::raw(404, value.clone()).sized()),
    ] {
        check(what, answer).await?;
    }
    Ok(())
}

#[tokio::test]
async fn content_encoding_in_a_second_header_is_malformed() -> Result<()> {
    let body = r#"{"data":{"data":{},"metadata":{"version":1}}}"#;
    let answer = json(body).header("Content-Encoding", "identity");
    check("gzip in a second header", answer.header("Content-Encoding", "gzip")).await
}

#[tokio::test]
async fn compression_is_not_requested() -> Result<()> {
    let server = Scripted::requests(well()).start()?;
    let parts = Parts::new(&server)?;
    parts.read().await?;
    parts.write().await?;
    for asked in server.record().requests() {
        let head = asked.head.to_ascii_lowercase();
        for name in ["accept-encoding", "cookie", "proxy-authorization", "expect"] {
            assert!(!head.contains(&format!("\r\n{name}:")), "{asked:?}: {name}");
        }
    }
    Ok(())
}
