//! Writes whose response is lost: settled by a read if they have a version, otherwise reported.

use std::time::Duration;

use anyhow::Result;
use secrecy::SecretString;
use testkit::scripted::{self, Answer, Request as Asked};
use testkit::{Scripted, Step, secret};
use vault_kv::{Cas, Error, ErrorKind, Fields, Kv, VersionMetadata};

use super::{DATA, Parts, beside, builder, errors, name, stored, written};

const LOST: [Step; 1] = [Step::Reset];

/// Responds to the first `lost` writes with nothing, to later ones with version 2, and to each read
/// with `found`.
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
    /// `found` is derived from the written value.
    fn new<S: Into<Vec<Step>>>(lost: usize, found: impl Fn(&str) -> S) -> Result<Self> {
        let value = secret("value");
        let server = Scripted::requests(loses(lost, found(&value))).start()?;
        // Settling consists of several operations. Each has a limit, and so has the whole.
        let parts = Parts::of(builder(&server.url())?.deadline(Duration::from_secs(5)))?;
        Ok(Self { parts, server, value })
    }

    async fn write(&self, cas: Cas) -> Result<VersionMetadata, Error> {
        let fields = Fields::new().with("key", SecretString::from(self.value.as_str()));
        let kv: Kv = self.parts.kv().expect("the parts of an engine");
        let outcome = kv.write(&name().expect("a path"), &fields, cas).await;
        outcome.inspect_err(|error| self.parts.watch.error(error))
    }

    /// Returns the number of writes and reads that the server received.
    fn seen(&self) -> (usize, usize) {
        (self.server.record().count("POST", DATA), self.server.record().count("GET", DATA))
    }
}

fn absent(_: &str) -> Answer {
    scripted::json(404, r#"{"errors":[]}"#)
}

#[tokio::test]
async fn lost_write_with_its_version_still_stored_is_sent_again() -> Result<()> {
    let lost = Lost::new(1, |_| stored(1, "old"))?;
    assert_eq!(lost.write(Cas::Version(1)).await?.version, 2);
    assert_eq!(lost.seen(), (2, 1));
    let lost = Lost::new(1, absent)?;
    assert_eq!(lost.write(Cas::Version(0)).await?.version, 2);
    assert_eq!(lost.seen(), (2, 1));
    Ok(())
}

#[tokio::test]
async fn lost_write_with_the_same_fields_stored_has_succeeded() -> Result<()> {
    let lost = Lost::new(1, |value| stored(2, value))?;
    assert_eq!(lost.write(Cas::Version(1)).await?.version, 2);
    assert_eq!(lost.seen(), (1, 1));
    Ok(())
}

#[tokio::test]
async fn lost_write_with_other_fields_stored_is_a_cas_mismatch() -> Result<()> {
    let check = async |cas, found: Answer, reads| -> Result<()> {
        let lost = Lost::new(1, |_| found.clone())?;
        assert_eq!(lost.write(Cas::Version(cas)).await.unwrap_err().kind(), ErrorKind::CasMismatch);
        assert_eq!(lost.seen(), (1, reads));
        Ok(())
    };
    check(1, stored(2, "somebody else's"), 1).await?;
    // The latest version is a later one, so that the written version is read as well.
    check(1, stored(3, "somebody else's"), 2).await?;
    check(0, stored(1, "somebody else's"), 1).await
}

#[tokio::test]
async fn lost_write_with_the_secret_removed_is_ambiguous() -> Result<()> {
    let lost = Lost::new(1, absent)?;
    assert_eq!(lost.write(Cas::Version(1)).await.unwrap_err().kind(), ErrorKind::Ambiguous);
    assert_eq!(lost.seen(), (1, 1));
    Ok(())
}

#[tokio::test]
async fn lost_write_that_cannot_be_read_is_ambiguous() -> Result<()> {
    let lost = Lost::new(1, |_| errors(503, "Vault is sealed"))?;
    assert_eq!(lost.write(Cas::Version(1)).await.unwrap_err().kind(), ErrorKind::Ambiguous);
    let (writes, reads) = lost.seen();
    assert!(writes == 1 && reads > 1, "{writes} writes, {reads} reads");
    Ok(())
}

#[tokio::test]
async fn write_that_is_lost_every_time_ends() -> Result<()> {
    let lost = Lost::new(usize::MAX, |_| stored(1, "old"))?;
    assert_eq!(lost.write(Cas::Version(1)).await.unwrap_err().kind(), ErrorKind::Ambiguous);
    assert_eq!(lost.seen(), (5, 5));
    Ok(())
}

#[tokio::test]
async fn lost_write_without_a_version_is_ambiguous() -> Result<()> {
    let lost = Lost::new(1, |value| stored(2, value))?;
    assert_eq!(lost.write(Cas::Any).await.unwrap_err().kind(), ErrorKind::Ambiguous);
    assert_eq!(lost.seen(), (1, 0));
    Ok(())
}
