//! How far a rotation has come, and what is left to do if it ends there.

use km_proxy_adapter::ErrorKind;

use super::provider::Context;
use crate::error::Failure;

/// How far a rotation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing was changed at the provider.
    Begun,
    /// The command that mints a key has started.
    Minting,
    /// A key was minted and is not stored.
    Minted,
    /// That key was revoked again.
    Discarded,
    /// The key may be stored.
    MaybeStored,
    /// The key is stored. The old one is valid.
    Stored,
    /// The command that revokes the old key has started.
    Revoking,
    /// The old key is revoked, or is left to the operator.
    Ending,
}

impl Stage {
    /// Returns what is left to do, as another problem of the failure that ended the rotation.
    pub(super) fn left(self, name: &str, context: &Context) -> Option<Failure> {
        let Context { id, old_version: old, new_version } = context;
        let new = new_version.unwrap_or(old + 1);
        let (what, hint) = match self {
            Self::Begun => return None,
            Self::Minting => (
                format!("no new key is stored, but the provider may have one of rotation {id}"),
                "revoke that key at the provider if it exists; the old key was not changed",
            ),
            Self::Minted => (
                format!("the new key of rotation {id} is not stored, and is still valid"),
                "revoke that key at the provider; the old key was not changed",
            ),
            Self::Discarded => (
                "the new key was not stored, and is revoked".to_owned(),
                "the old key was not changed",
            ),
            Self::MaybeStored => (
                format!("the new key may be stored as version {new}; the old key was not revoked"),
                "run the command again, which completes the rotation or begins another one",
            ),
            Self::Stored => (
                format!("version {new} is current; the key of version {old} was not revoked"),
                COMPLETE,
            ),
            Self::Revoking => (
                format!("version {new} is current; the key of version {old} may be revoked"),
                COMPLETE,
            ),
            Self::Ending => (
                format!("version {new} is current; only the record of the rotation is left"),
                COMPLETE,
            ),
        };
        Some(Failure::new(ErrorKind::Unavailable, format!("rotate {name}: {what}"), hint))
    }
}

const COMPLETE: &str = "run the command again, which completes the rotation";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_after_the_first_says_what_is_left() {
        let context = Context { id: "3f2a".to_owned(), old_version: 4, new_version: None };
        assert!(Stage::Begun.left("NAME", &context).is_none());
        for (stage, expected) in [
            (Stage::Minting, "rotation 3f2a"),
            (Stage::Minted, "rotation 3f2a"),
            (Stage::Discarded, "is revoked"),
            (Stage::MaybeStored, "version 5"),
            (Stage::Stored, "version 4 was not revoked"),
            (Stage::Revoking, "version 4 may be revoked"),
            (Stage::Ending, "version 5"),
        ] {
            let left = stage.left("NAME", &context).unwrap();
            let (message, hint) = left.problems().next().unwrap();
            assert!(message.starts_with("rotate NAME: "), "{message}");
            assert!(message.contains(expected), "{stage:?}: {message}");
            assert!(hint.is_some(), "{stage:?}");
        }
    }
}
