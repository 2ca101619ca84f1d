//! A check-and-set write whose answer was lost is settled by reading what is there.

use std::cmp::Ordering::{Equal, Greater, Less};

use tracing::debug;
use vault_http::Request;

use crate::error::{Error, ErrorKind};
use crate::fields::Fields;
use crate::kv::Kv;
use crate::path::SecretPath;
use crate::secret::{Secret, VersionMetadata};

/// How often a write is sent at most while its answers are lost.
const TRIES: u32 = 5;

/// What became of a write.
enum Fate {
    /// It is there.
    Stored(VersionMetadata),
    /// The version that it was to replace is still the latest.
    NotThere,
    /// Somebody else's is where it would be.
    Overtaken,
    /// It can't be told.
    Unknown,
}

impl Kv {
    /// Sends a write that replaces `version`, again where its answer was lost and it is not there.
    /// Once an answer was lost, nothing but what is read counts: a copy of the write may arrive
    /// late, and then the next one is answered with a mismatch.
    pub(crate) async fn settled(
        &self,
        path: &SecretPath,
        fields: &Fields,
        version: u64,
        request: Request,
    ) -> Result<VersionMetadata, Error> {
        let kv = self.with_deadline(self.deadline());
        let mut lost: Option<Error> = None;
        for _ in 0..TRIES {
            let error = match kv.store(request.clone(), fields).await {
                Ok(written) => return Ok(written),
                Err(error) => error,
            };
            let first = match (lost.take(), error.kind()) {
                (None, ErrorKind::Ambiguous) => error.clone(),
                (None, _) => return Err(error),
                (Some(first), ErrorKind::Ambiguous | ErrorKind::CasMismatch) => first,
                // This one was not executed for sure, the first may have been.
                (Some(first), _) => return Err(first),
            };
            debug!(%path, version, "settling a write whose answer was lost");
            match kv.fate(path, fields, version).await {
                Fate::Stored(written) => return Ok(written),
                Fate::NotThere => lost = Some(first),
                Fate::Overtaken => return Err(error.into_kind(ErrorKind::CasMismatch)),
                Fate::Unknown => return Err(first),
            }
        }
        Err(lost.unwrap_or_else(|| Error::answer(ErrorKind::Ambiguous, request.to_string())))
    }

    /// What became of a write of `fields` that was to replace `version`.
    async fn fate(&self, path: &SecretPath, fields: &Fields, version: u64) -> Fate {
        let next = version + 1;
        let read = self.read(path).await;
        let latest = match &read {
            Ok(secret) => secret.metadata.version,
            Err(error) => match (error.kind(), error.version()) {
                (ErrorKind::NotFound, _) => 0,
                (_, Some(gone)) => gone,
                _ => return Fate::Unknown,
            },
        };
        match (latest.cmp(&next), read) {
            (Less, _) if latest == version => Fate::NotThere,
            (Equal, Ok(secret)) => compare(secret, fields),
            // Fewer versions than when it was sent, so it was removed meanwhile; or deleted since.
            (Less | Equal, _) => Fate::Unknown,
            // Written over since.
            (Greater, _) => match self.read_version(path, next).await {
                Ok(secret) => compare(secret, fields),
                Err(_) => Fate::Unknown,
            },
        }
    }
}

fn compare(secret: Secret, fields: &Fields) -> Fate {
    if secret.fields.same_as(fields) { Fate::Stored(secret.metadata) } else { Fate::Overtaken }
}
