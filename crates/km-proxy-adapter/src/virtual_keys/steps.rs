//! The steps that the changes of keys are made of. Each leaves things so that the same command, run
//! again after a stop at any point, goes on from there.

use secrecy::ExposeSecret as _;
use vault_http::ErrorKind as Http;
use vault_kv::{Cas, ErrorKind as KvKind, Fields, Kv, SecretPath, VersionMetadata};

use crate::error::convert as explain;
use crate::error::{Error, ErrorKind};
use crate::write::{Present, is_denied, present};

/// One operation under way: its deadline, and its name for errors.
pub(super) struct Operation {
    pub(super) kv: Kv,
    pub(super) operation: String,
    pub(super) of_team: bool,
}

/// Which stored document counts as the one that was to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match<'a> {
    /// One with this value in this field, whatever is beside it.
    Value { field: &'a str, value: &'a str },
    /// One with the same fields: only an earlier run of the same command writes it.
    Document,
}

/// A document that is where it belongs.
pub(super) struct StoredDocument {
    pub(super) metadata: VersionMetadata,
    /// It was read there, not only written.
    pub(super) seen: bool,
}

impl Match<'_> {
    fn is(self, document: &Fields, stored: &Fields) -> bool {
        match self {
            Self::Value { field, value } => {
                stored.text(field).is_ok_and(|text| text.expose_secret() == value)
            }
            Self::Document => stored.same_as(document),
        }
    }
}

impl Operation {
    /// Stores `document`, in one request where nothing was ever there. A live key is never
    /// overwritten: what counts as the [`Same`] is left as it is, anything else is a conflict, and
    /// so is a key that this token may not read.
    pub(super) async fn put(
        &self,
        path: &SecretPath,
        document: &Fields,
        same: Match<'_>,
    ) -> Result<StoredDocument, Error> {
        match self.kv.write(path, document, Cas::Version(0)).await {
            Err(error) if error.kind() == KvKind::CasMismatch => {}
            written => return self.written(written),
        }
        let version = match present(&self.kv, path).await {
            Ok(Present::Alive(found)) if same.is(document, &found.fields) => {
                return Ok(StoredDocument { metadata: found.metadata, seen: true });
            }
            Ok(Present::Alive(_)) => return Err(self.occupied(path)),
            Err(error) if is_denied(&error) => return Err(self.occupied(path)),
            Ok(Present::Gone(version)) => version,
            Ok(Present::Never) => 0,
            Err(error) => return Err(self.failed(error)),
        };
        self.written(self.kv.write(path, document, Cas::Version(version)).await)
    }

    /// Writes `document` over `found`, unless that is what it holds.
    pub(super) async fn replace(
        &self,
        path: &SecretPath,
        document: &Fields,
        found: vault_kv::Secret,
    ) -> Result<StoredDocument, Error> {
        if found.fields.same_as(document) {
            return Ok(StoredDocument { metadata: found.metadata, seen: true });
        }
        let cas = Cas::Version(found.metadata.version);
        self.written(self.kv.write(path, document, cas).await)
    }

    /// Reads back what was written, and compares.
    pub(super) async fn confirm(
        &self,
        path: &SecretPath,
        document: &Fields,
        landed: &StoredDocument,
    ) -> Result<(), Error> {
        if landed.seen {
            return Ok(());
        }
        let read = self.kv.read(path).await.map_err(|error| self.failed(error))?;
        if read.fields.same_as(document) {
            return Ok(());
        }
        let place = self.kv.mount().data(path);
        let what = format!("{}: {place}: somebody else's value was read back", self.operation);
        Err(Error::new(ErrorKind::Conflict, what).with_hint("nothing was deleted: run it again"))
    }

    /// What is stored at `path`.
    pub(super) async fn present(&self, path: &SecretPath) -> Result<Present, Error> {
        present(&self.kv, path).await.map_err(|error| self.failed(error))
    }

    /// The error of a request of this operation.
    pub(super) fn failed(&self, error: vault_kv::Error) -> Error {
        let kind = error.kind();
        let failed = explain::kv(self.operation.as_str(), error);
        match kind {
            KvKind::NotFound => failed.with_hint("store it, or check the alias and the location"),
            KvKind::Exchange(Http::NoMount | Http::NoNamespace) | KvKind::WrongKvVersion
                if self.of_team =>
            {
                failed.with_hint("check `namespace` and `mount` in the team's settings")
            }
            _ => failed,
        }
    }

    fn written(
        &self,
        outcome: Result<VersionMetadata, vault_kv::Error>,
    ) -> Result<StoredDocument, Error> {
        let metadata = outcome.map_err(|error| self.failed(error))?;
        Ok(StoredDocument { metadata, seen: false })
    }

    fn occupied(&self, path: &SecretPath) -> Error {
        let place = self.kv.mount().data(path);
        let what = format!("{}: {place}: another key is stored there", self.operation);
        Error::new(ErrorKind::Conflict, what)
            .with_hint("rotate or delete that one first, or use another alias")
    }
}
