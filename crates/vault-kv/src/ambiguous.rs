//! Resolution of check-and-set writes whose response was lost.
//!
//! The secret is read to find out whether the write was executed, and the write is sent again if it
//! was not. Once a response was lost, only what is read counts: a copy of the request may be
//! executed late, and the next one is then rejected with a mismatch although the write succeeded.
//!
//! The first read is free. What follows counts against the retry budget, because a standby that
//! answers reads while there is no active node would otherwise cause a read and a write at once for
//! each of the [`MAX_TRIES`].

use std::cmp::Ordering::{Equal, Greater, Less};

use vault_http::Request;

use crate::error::{Error, ErrorKind};
use crate::fields::Fields;
use crate::kv::Kv;
use crate::log::debug;
use crate::path::SecretPath;
use crate::secret::{Secret, VersionMetadata};

/// The most times that a write is sent while its responses are lost.
const MAX_TRIES: u32 = 5;

/// The outcome of a write whose response was lost.
enum WriteOutcome {
    /// The version was stored.
    Stored(VersionMetadata),
    /// The version that the write replaces is still the latest one.
    NotStored,
    /// Another writer stored the version.
    Overtaken,
    /// The secret does not show what happened.
    Unknown,
}

impl Kv {
    /// Sends a write that replaces `version`, and sends it again if its response was lost and it
    /// was not executed.
    pub(crate) async fn write_resolved(
        &self,
        path: &SecretPath,
        fields: &Fields,
        version: u64,
        request: Request,
    ) -> Result<VersionMetadata, Error> {
        let mut kv = self.with_deadline(self.deadline());
        let mut lost: Option<Error> = None;
        for _ in 0..MAX_TRIES {
            let error = match kv.store(request.clone(), fields).await {
                Ok(written) => return Ok(written),
                Err(error) => error,
            };
            let first = match (lost.take(), error.kind()) {
                (None, ErrorKind::Ambiguous) => error.clone(),
                (None, _) => return Err(error),
                (Some(first), ErrorKind::Ambiguous | ErrorKind::CasMismatch) => first,
                // This request was certainly not executed, but the first one may have been.
                (Some(first), _) => return Err(first),
            };
            debug!(%path, version, "the response to a write was lost; reading the secret");
            match kv.outcome(path, fields, version).await {
                WriteOutcome::Stored(written) => return Ok(written),
                WriteOutcome::NotStored => (lost, kv) = (Some(first), kv.counted_as_retries()),
                WriteOutcome::Overtaken => return Err(error.into_kind(ErrorKind::CasMismatch)),
                WriteOutcome::Unknown => return Err(first),
            }
        }
        Err(lost.unwrap_or_else(|| Error::response(ErrorKind::Ambiguous, request.to_string())))
    }

    /// Reads the outcome of a write of `fields` that replaces `version`.
    async fn outcome(&self, path: &SecretPath, fields: &Fields, version: u64) -> WriteOutcome {
        let next = version + 1;
        let read = self.read(path).await;
        let latest = match &read {
            Ok(secret) => secret.metadata.version,
            Err(error) => match (error.kind(), error.version()) {
                (ErrorKind::NotFound, _) => 0,
                (_, Some(deleted)) => deleted,
                _ => return WriteOutcome::Unknown,
            },
        };
        match (latest.cmp(&next), read) {
            (Less, _) if latest == version => WriteOutcome::NotStored,
            (Equal, Ok(secret)) => compare(secret, fields),
            // The secret was removed since the write was sent, or the version was deleted.
            (Less | Equal, _) => WriteOutcome::Unknown,
            // Newer versions were written since.
            (Greater, _) => match self.read_version(path, next).await {
                Ok(secret) => compare(secret, fields),
                Err(_) => WriteOutcome::Unknown,
            },
        }
    }
}

fn compare(secret: Secret, fields: &Fields) -> WriteOutcome {
    if secret.fields.same_as(fields) {
        WriteOutcome::Stored(secret.metadata)
    } else {
        WriteOutcome::Overtaken
    }
}
