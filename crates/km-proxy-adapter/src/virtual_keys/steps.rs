//! The steps of the changes of keys.
//!
//! Each step can be repeated: if a change stops at any point, the same change continues from there
//! (`docs/adr/0013-resumable-key-changes.md`).

use secrecy::ExposeSecret as _;
use vault_http::ErrorKind as Http;
use vault_kv::{Cas, ErrorKind as KvKind, Fields, Kv, Secret, SecretPath, VersionMetadata};

use crate::error::{Error, ErrorKind, convert};
use crate::stored::{self, StoredState, is_denied};

/// One operation on keys: the KV engine with the operation's deadline, and its name in errors.
pub(super) struct Operation {
    pub(super) kv: Kv,
    pub(super) name: String,
    pub(super) of_team: bool,
}

/// The rule by which a stored document counts as the one to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match<'a> {
    /// The field has this value; other fields may differ.
    Value { field: &'a str, value: &'a str },
    /// All fields are the same, as after an earlier attempt of the same change.
    Document,
}

/// A document at its path.
pub(super) struct StoredDocument {
    pub(super) metadata: VersionMetadata,
    /// Whether it was read back, not only written.
    pub(super) confirmed: bool,
}

impl Match<'_> {
    fn accepts(self, document: &Fields, stored: &Fields) -> bool {
        match self {
            Self::Value { field, value } => {
                stored.text(field).is_ok_and(|text| text.expose_secret() == value)
            }
            Self::Document => stored.same_as(document),
        }
    }
}

impl Operation {
    /// Stores `document`, in one request if no version ever existed.
    ///
    /// A live key is never overwritten. If it [matches](Match), it is left as it is; anything else
    /// is a conflict, and so is a key that the token may not read.
    pub(super) async fn put(
        &self,
        path: &SecretPath,
        document: &Fields,
        rule: Match<'_>,
    ) -> Result<StoredDocument, Error> {
        match self.kv.write(path, document, Cas::Version(0)).await {
            Err(error) if error.kind() == KvKind::CasMismatch => {}
            outcome => return self.written(outcome),
        }
        let version = match stored::state(&self.kv, path).await {
            Ok(StoredState::Live(found)) if rule.accepts(document, &found.fields) => {
                return Ok(StoredDocument { metadata: found.metadata, confirmed: true });
            }
            Ok(StoredState::Live(_)) => return Err(self.occupied(path)),
            Err(error) if is_denied(&error) => return Err(self.occupied(path)),
            Ok(StoredState::Gone(version)) => version,
            Ok(StoredState::Never) => 0,
            Err(error) => return Err(self.failed(error)),
        };
        self.written(self.kv.write(path, document, Cas::Version(version)).await)
    }

    /// Replaces `found` by `document`, unless they are the same.
    pub(super) async fn replace(
        &self,
        path: &SecretPath,
        document: &Fields,
        found: Secret,
    ) -> Result<StoredDocument, Error> {
        if found.fields.same_as(document) {
            return Ok(StoredDocument { metadata: found.metadata, confirmed: true });
        }
        let cas = Cas::Version(found.metadata.version);
        self.written(self.kv.write(path, document, cas).await)
    }

    /// Reads back a written document and compares it.
    pub(super) async fn confirm(
        &self,
        path: &SecretPath,
        document: &Fields,
        stored: &StoredDocument,
    ) -> Result<(), Error> {
        if stored.confirmed {
            return Ok(());
        }
        let read = self.kv.read(path).await.map_err(|error| self.failed(error))?;
        if read.fields.same_as(document) {
            return Ok(());
        }
        let url = self.kv.mount().data(path);
        let what = format!("{}: {url}: another writer's value was read back", self.name);
        Err(Error::new(ErrorKind::Conflict, what)
            .with_hint("run the same command again; nothing was deleted"))
    }

    /// Reads the state of the key at `path`.
    pub(super) async fn state(&self, path: &SecretPath) -> Result<StoredState, Error> {
        stored::state(&self.kv, path).await.map_err(|error| self.failed(error))
    }

    /// Converts the error of a request of this operation.
    pub(super) fn failed(&self, error: vault_kv::Error) -> Error {
        let kind = error.kind();
        let failed = convert::kv(self.name.as_str(), error);
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
        Ok(StoredDocument { metadata, confirmed: false })
    }

    fn occupied(&self, path: &SecretPath) -> Error {
        let url = self.kv.mount().data(path);
        let what = format!("{}: {url}: another key is stored there", self.name);
        Error::new(ErrorKind::Conflict, what)
            .with_hint("rotate or delete that key first, or use another alias")
    }
}
