//! The limit of a response's size, and truncated responses.

use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use serde_json::json;
use testkit::scripted::{self, Answer};
use testkit::{Scripted, Step, secret};
use tokio::task::JoinSet;
use vault_http::{ApiPath, ErrorKind, MAX_BODY_BYTES, Request};

use super::{Parts, stored};

const MIB: usize = 1024 * 1024;

/// A JSON response whose body follows its head later.
fn head(answer: Answer) -> Step {
    Step::Send(answer.header("Content-Type", "application/json").head().into())
}

/// A body without an end: some JSON, and then a very long string.
fn endless(mib: usize) -> [Step; 2] {
    let text = Bytes::from("x".repeat(64 * 1024));
    [
        Step::Send(format!("{{\"data\":{{\"key\":\"{}", secret("value")).into()),
        Step::Repeat(text, mib * 16),
    ]
}

async fn too_large(what: &str, steps: Vec<Step>) -> Result<()> {
    let server = Scripted::requests(move |_| steps.clone()).start()?;
    let parts = Parts::new(&server)?;
    let error = parts.fails().await;
    assert_eq!(
        (error.kind(), error.detail()),
        (ErrorKind::Malformed, "response body too large"),
        "{what}"
    );
    assert_eq!(server.record().total(), 1, "{what}: not asked again");
    // The systems buffer a few MiB in between.
    assert!(server.record().sent() < 16 * MIB, "{what}: {} bytes went out", server.record().sent());
    Ok(())
}

#[tokio::test]
async fn response_above_4_mib_is_not_read_to_its_end() -> Result<()> {
    let [begin, rest] = endless(300);
    let sized = scripted::raw(200, "").header("Content-Length", "314572800");
    too_large("with its length", vec![head(sized), begin.clone(), rest.clone()]).await?;
    too_large("until it closes", vec![head(scripted::raw(200, "")), begin, rest, Step::Close])
        .await?;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(65_536));
    let chunked = head(scripted::raw(200, "").header("Transfer-Encoding", "chunked"));
    too_large("in chunks", vec![chunked, Step::Repeat(chunk.into(), 300 * 16)]).await
}

#[tokio::test]
async fn response_of_4_mib_is_read() -> Result<()> {
    let around = json!({ "data": "" }).to_string().len();
    for (length, fits) in [(MAX_BODY_BYTES, true), (MAX_BODY_BYTES + 1, false)] {
        let answer = scripted::json(200, json!({ "data": "x".repeat(length - around) }));
        let server = Scripted::requests(move |_| answer.clone().into()).start()?;
        let parts = Parts::new(&server)?;
        assert_eq!(parts.read().await.is_ok(), fits, "{length}");
    }
    Ok(())
}

/// Returns the resident memory of this process in bytes.
fn resident() -> Result<usize> {
    let pages = std::fs::read_to_string("/proc/self/statm")?;
    let pages: usize = pages.split(' ').nth(1).context("no second number in statm")?.parse()?;
    Ok(pages * 4_096)
}

#[tokio::test]
async fn response_of_300_mib_takes_less_than_16_mib_of_memory() -> Result<()> {
    let [begin, rest] = endless(300);
    let steps = vec![head(scripted::raw(200, "")), begin, rest, Step::Close];
    let server = Scripted::requests(move |_| steps.clone()).start()?;
    let parts = Parts::new(&server)?;
    let mut least = usize::MAX;
    for _ in 0..5 {
        let (before, mut most) = (resident()?, 0);
        let mut reading = std::pin::pin!(parts.fails());
        loop {
            tokio::select! {
                biased;
                error = &mut reading => break assert_eq!(error.kind(), ErrorKind::Malformed),
                () = tokio::task::yield_now() => most = most.max(resident()?),
            }
        }
        // Tests that run at the same time share the process, so that their memory must not count.
        least = least.min(most.max(resident()?).saturating_sub(before));
    }
    assert!(least < 16 * MIB, "{least} bytes");
    Ok(())
}

#[tokio::test]
async fn truncated_response_is_not_accepted() -> Result<()> {
    let value = secret("value");
    let plain = json!({ "data": { "data": { "key": value }, "metadata": { "version": 1 } } });
    let unlabelled =
        scripted::raw(200, plain.to_string()).header("Content-Type", "application/json");
    for answer in [stored(1, &value), unlabelled.clone().chunked(40), unlabelled] {
        let whole = answer.bytes();
        let lengths = 0..whole.len();
        let server = Scripted::requests(move |asked| {
            let length = asked.target.rsplit('/').next().and_then(|length| length.parse().ok());
            let part = whole[..length.unwrap_or_default()].to_vec();
            vec![Step::Send(part.into()), Step::Close]
        });
        let server = server.start()?;
        let (parts, mut reading) = (Arc::new(Parts::new(&server)?), JoinSet::new());
        for length in lengths {
            let parts = Arc::clone(&parts);
            reading.spawn(async move {
                let path = ApiPath::parse(&format!("secret/data/{length}")).expect("a path");
                let outcome = parts.send(&Request::get(path)).await;
                let error = parts.leak_free(outcome.expect_err("a part of an answer"));
                assert!(
                    matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::Malformed),
                    "{error}"
                );
            });
        }
        reading.join_all().await;
    }
    Ok(())
}
