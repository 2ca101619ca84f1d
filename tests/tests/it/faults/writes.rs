//! A write whose answer is lost: settled by reading where a version was named, else told.

use std::time::Duration;

use anyhow::Result;
use secrecy::SecretString;
use testkit::scripted::{self, Answer, Request as Asked};
use testkit::{Scripted, Step, secret};
use vault_kv::{Cas, Error, ErrorKind, Fields, Kv, VersionMetadata};

use super::{DATA, Parts, beside, builder, errors, name, stored, written};

const LOST: [Step; 1] = [Step::Reset];

/// Answers the first `lost` writes with nothing, later ones as version 2, and each read with
/// `found`.
fn loses(
    lost: usize,
    found: impl Into<Vec<Step>>,
) -> impl Fn(&Asked) -> Vec<Step> + Send + Sync + 'static {
    let found = found.into();
    let writes = std::sync::atomic::AtomicUsize::new(0);
    beside(move |asked| {
        if asked.method == "GET" {
            return found.clone();
        }
        let before = writes.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        if before < lost { LOST.to_vec() } else { written(2).into() }
    })
}

struct Lost {
    parts: Parts,
    server: Scripted,
    value: String,
}

impl Lost {
    /// `found` is made of the value that is written.
    fn new<S: Into<Vec<Step>>>(lost: usize, found: impl Fn(&str) -> S) -> Result<Self> {
        let value = secret("value");
        let server = Scripted::requests(loses(lost, found(&value))).start()?;
        // Settling is made of several operations: each has its bound, and so has the whole.
        let parts = Parts::of(builder(&server.url())?.deadline(Duration::from_secs(5)))?;
        Ok(Self { parts, server, value })
    }

    async fn write(&self, cas: Cas) -> Result<VersionMetadata, Error> {
        let fields = Fields::new().with("key", SecretString::from(self.value.as_str()));
        let kv: Kv = self.parts.kv().expect("the parts of an engine");
        let outcome = kv.write(&name().expect("a path"), &fields, cas).await;
        outcome.inspect_err(|error| self.parts.watch.error(error))
    }

    /// How many writes and reads the server saw.
    fn seen(&self) -> (usize, usize) {
        (self.server.record().count("POST", DATA), self.server.record().count("GET", DATA))
    }
}

fn absent(_: &str) -> Answer {
    scripted::json(404, r#"{"errors":[]}"#)
}

#[tokio::test]
async fn a_version_that_is_still_there_means_that_it_is_sent_again() -> Result<()> {
    let lost = Lost::new(1, |_| stored(1, "old"))?;
    assert_eq!(lost.write(Cas::Version(1)).await?.version, 2);
    assert_eq!(lost.seen(), (2, 1));
    let lost = Lost::new(1, absent)?;
    assert_eq!(lost.write(Cas::Version(0)).await?.version, 2);
    assert_eq!(lost.seen(), (2, 1));
    Ok(())
}

#[tokio::test]
async fn the_next_version_with_the_same_fields_means_that_it_had_worked() -> Result<()> {
    let lost = Lost::new(1, |value| stored(2, value))?;
    assert_eq!(lost.write(Cas::Version(1)).await?.version, 2);
    assert_eq!(lost.seen(), (1, 1));
    Ok(())
}

#[tokio::test]
async fn anything_else_means_that_somebody_was_faster() -> Result<()> {
    let check = async |cas, found: Answer, reads| -> Result<()> {
        let lost = Lost::new(1, |_| found.clone())?;
        assert_eq!(lost.write(Cas::Version(cas)).await.unwrap_err().kind(), ErrorKind::CasMismatch);
        assert_eq!(lost.seen(), (1, reads));
        Ok(())
    };
    check(1, stored(2, "somebody else's"), 1).await?;
    // The latest is later still: the one that was to be written is looked at too.
    check(1, stored(3, "somebody else's"), 2).await?;
    check(0, stored(1, "somebody else's"), 1).await
}

#[tokio::test]
async fn a_secret_that_was_removed_meanwhile_leaves_it_ambiguous() -> Result<()> {
    let lost = Lost::new(1, absent)?;
    assert_eq!(lost.write(Cas::Version(1)).await.unwrap_err().kind(), ErrorKind::Ambiguous);
    assert_eq!(lost.seen(), (1, 1));
    Ok(())
}

#[tokio::test]
async fn where_it_can_not_be_read_either_it_is_ambiguous() -> Result<()> {
    let lost = Lost::new(1, |_| errors(503, "Vault is sealed"))?;
    assert_eq!(lost.write(Cas::Version(1)).await.unwrap_err().kind(), ErrorKind::Ambiguous);
    let (writes, reads) = lost.seen();
    assert!(writes == 1 && reads > 1, "{writes} writes, {reads} reads");
    Ok(())
}

#[tokio::test]
async fn a_write_that_is_lost_each_time_ends() -> Result<()> {
    let lost = Lost::new(usize::MAX, |_| stored(1, "old"))?;
    assert_eq!(lost.write(Cas::Version(1)).await.unwrap_err().kind(), ErrorKind::Ambiguous);
    assert_eq!(lost.seen(), (5, 5));
    Ok(())
}

#[tokio::test]
async fn without_a_version_it_is_ambiguous_at_once() -> Result<()> {
    let lost = Lost::new(1, |value| stored(2, value))?;
    assert_eq!(lost.write(Cas::Any).await.unwrap_err().kind(), ErrorKind::Ambiguous);
    assert_eq!(lost.seen(), (1, 0));
    Ok(())
}
