//! The steps of a rotation, in their order.
//!
//! At each moment the key that Vault holds is valid: a key is revoked only after Vault was read and
//! has another one, and the old key only after every target has shown the new one
//! (`docs/adr/0049-rotation.md`).

use std::time::Duration;

use km_proxy_adapter::{
    Error, ErrorKind, KeyManager, Reason, Rotation, RotationPlan, RotationRecord, StoredKey,
    ValueWarning, Written,
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::{sleep, timeout};
use tracing::info;

use super::confirm::Confirmation;
use super::provider::{Context, Provider, Purpose};
use super::report::{Report, Step};
use super::stage::Stage;
use super::target::Target;
use crate::cli::RotateArgs;
use crate::error::Failure;
use crate::io::log::ROTATE;
use crate::signals::{Termination, interrupted};

/// How long a change in flight may take after a signal, so that this process ends within 5 s.
const GRACE: Duration = Duration::from_secs(2);

/// A run of the command.
pub(super) struct Run<'a> {
    args: &'a RotateArgs,
    targets: &'a [Target],
    provider: Provider<'a>,
    termination: Termination,
    report: Report<'a>,
    stage: Stage,
    context: Context,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        args: &'a RotateArgs,
        targets: &'a [Target],
        id: String,
        termination: Termination,
        json: bool,
    ) -> Self {
        Self {
            args,
            targets,
            provider: Provider::new(args),
            termination,
            report: Report::new(&args.name, json),
            stage: Stage::Begun,
            context: Context { id, old_version: 0, new_version: None },
        }
    }

    /// Rotates the key, or completes an earlier rotation, and reports the steps.
    ///
    /// # Errors
    ///
    /// The failure of a step, with what is left to do.
    pub(super) async fn rotate(&mut self, keys: &KeyManager) -> Result<(), Failure> {
        let outcome = self.steps(keys).await.map_err(|failure| {
            let left = self.stage.left(&self.args.name, &self.context);
            left.into_iter().fold(failure, Failure::and)
        });
        let reported = self.report.finish(outcome.is_ok());
        outcome.and(reported)
    }

    async fn steps(&mut self, keys: &KeyManager) -> Result<(), Failure> {
        let rotation = keys.rotation(&self.args.name, self.provider.revokes());
        let rotation = self.unless_interrupted(rotation).await?;
        let old_key = match &rotation.plan {
            RotationPlan::Mint { abandoned } => {
                self.mint_and_store(&rotation, abandoned.as_ref()).await?;
                Some(&rotation.current.value)
            }
            RotationPlan::Complete { record, old_key } => {
                self.resume(&rotation, record, old_key.as_ref()).await?;
                old_key.as_ref().ok()
            }
        };
        self.confirm_new_key(&rotation, old_key).await?;
        self.revoke_old_key(&rotation, old_key).await?;
        self.stage = Stage::Ending;
        self.change(rotation.end(self.context.old_version)).await?.map_err(Failure::from)
    }

    /// Replaces the current key, up to the write of the new one.
    async fn mint_and_store(
        &mut self,
        rotation: &Rotation,
        abandoned: Option<&RotationRecord>,
    ) -> Result<(), Failure> {
        self.context.old_version = rotation.current.version;
        self.report.begin(&self.context, false, abandoned.map(|record| record.id.as_str()));
        if let Some(RotationRecord { id, .. }) = abandoned {
            self.report.warn(format!(
                "rotation {id} stored no key; one that it minted may still be valid"
            ));
        }
        self.confirm_current_key(rotation).await?;
        let id = self.context.id.clone();
        self.change(rotation.begin(&id)).await??;
        self.check_not_interrupted()?;
        let new = self.mint(rotation).await?;
        match self.verify_and_store(rotation, &new).await {
            Err(failure) if self.stage == Stage::Minted => match self.discard(rotation, &new).await
            {
                Ok(()) => Err(failure),
                Err(discarding) => Err(failure.and(discarding)),
            },
            // Otherwise it is stored, or may be.
            outcome => outcome,
        }
    }

    async fn mint(&mut self, rotation: &Rotation) -> Result<SecretString, Failure> {
        self.stage = Stage::Minting;
        let new = self.provider.mint(&self.context, &mut self.termination).await?;
        if rotation.current.is(&new) {
            self.stage = Stage::Begun;
            let what = format!("rotate {}: mint: the key is the current one", self.args.name);
            let hint = "pass a command to --with that makes a new key";
            return Err(Failure::new(ErrorKind::Unavailable, what, hint));
        }
        self.stage = Stage::Minted;
        for warning in ValueWarning::detect(new.expose_secret()) {
            self.report.warn(format!("the new key {warning}"));
        }
        let line = format!("minted a key (rotation {})", self.context.id);
        self.report.done(Step::Minted, &line)?;
        Ok(new)
    }

    async fn verify_and_store(
        &mut self,
        rotation: &Rotation,
        new: &SecretString,
    ) -> Result<(), Failure> {
        self.verify(new).await?;
        self.check_not_interrupted()?;
        self.stage = Stage::MaybeStored;
        let Written { path, version, .. } = match self.change(rotation.store(new.clone())).await? {
            Ok(written) => written,
            Err(error) => {
                if is_not_stored(&error) {
                    self.stage = Stage::Minted;
                }
                return Err(error.into());
            }
        };
        self.stage = Stage::Stored;
        self.context.new_version = Some(version);
        self.report.stored(version);
        self.report.done(Step::Stored, &format!("stored {path} version {version}"))
    }

    /// Continues after the write of the new key. The key that is current now is verified, because
    /// another writer may have stored it.
    async fn resume(
        &mut self,
        rotation: &Rotation,
        record: &RotationRecord,
        old_key: Result<&SecretString, &Error>,
    ) -> Result<(), Failure> {
        let new_version = Some(rotation.current.version);
        let RotationRecord { id, old_version } = record.clone();
        self.context = Context { id, old_version, new_version };
        self.stage = Stage::Stored;
        self.report.begin(&self.context, true, None);
        let line = format!("completing rotation {}, which stored a newer version", record.id);
        self.report.line(&line)?;
        if let Err(error) = old_key
            && self.provider.revokes()
        {
            let hint = "revoke that key at the provider, then run the command without --revoke; or \
                        undelete the version, if it is only deleted";
            return Err(Failure::new(error.kind(), error.message(), hint));
        }
        self.verify(&rotation.current.value).await
    }

    async fn verify(&mut self, key: &SecretString) -> Result<(), Failure> {
        if !self.provider.verifies() {
            return Ok(());
        }
        self.check_not_interrupted()?;
        let (context, termination) = (&self.context, &mut self.termination);
        self.provider.pass(Purpose::Verify, key, context, termination).await?;
        self.report.done(Step::Verified, "verified it")
    }

    /// Waits until all targets show the current key, so that nothing is minted if one of
    /// them cannot confirm a new one.
    async fn confirm_current_key(&mut self, rotation: &Rotation) -> Result<(), Failure> {
        let name = &self.args.name;
        let current = async || {
            let current = rotation.read_current().await?;
            if current.version == rotation.current.version {
                Ok(current)
            } else {
                Err(overtaken(name))
            }
        };
        self.confirm(current).await.map(drop)
    }

    /// Waits until all targets show the new key, and then for requests that use the old one.
    async fn confirm_new_key(
        &mut self,
        rotation: &Rotation,
        old_key: Option<&SecretString>,
    ) -> Result<(), Failure> {
        let (name, stored) = (&self.args.name, self.context.new_version);
        let current = async || {
            let current = rotation.read_current().await?;
            check_replaced(name, &current, stored, old_key)?;
            Ok(current)
        };
        let Some(StoredKey { version, .. }) = self.confirm(current).await? else {
            return Ok(());
        };
        let targets: Vec<_> = self.targets.iter().map(ToString::to_string).collect();
        let line = format!("confirmed version {version}: {}", targets.join(", "));
        self.report.done(Step::Confirmed, &line)?;
        let settle = self.args.settle;
        info!(target: ROTATE, "waiting {settle:?} for requests that use the old key");
        self.unless_interrupted(async {
            sleep(settle).await;
            Ok::<_, Failure>(())
        })
        .await?;
        self.report.done(Step::Settled, &format!("waited {settle:?}"))
    }

    /// Waits until all targets show the key that `current` returns. Returns it, or `None` if there
    /// are no targets.
    async fn confirm(
        &mut self,
        current: impl AsyncFnMut() -> Result<StoredKey, Failure>,
    ) -> Result<Option<StoredKey>, Failure> {
        let (name, targets) = (&self.args.name, self.targets);
        if targets.is_empty() {
            return Ok(None);
        }
        let confirmation = Confirmation { name, targets, timeout: self.args.confirm_timeout };
        self.unless_interrupted(confirmation.wait(current)).await.map(Some)
    }

    async fn revoke_old_key(
        &mut self,
        rotation: &Rotation,
        old_key: Option<&SecretString>,
    ) -> Result<(), Failure> {
        let old_version = self.context.old_version;
        let (true, Some(old_key)) = (self.provider.revokes(), old_key) else {
            let line = format!("the key of version {old_version} is still valid: revoke it");
            return self.report.line(&line);
        };
        // The old key may have been restored in the meantime.
        let current = self.unless_interrupted(rotation.read_current()).await?;
        check_replaced(&self.args.name, &current, self.context.new_version, Some(old_key))?;
        self.stage = Stage::Revoking;
        let (context, termination) = (&self.context, &mut self.termination);
        self.provider.pass(Purpose::Revoke, old_key, context, termination).await?;
        self.report.done(Step::Revoked, &format!("revoked the key of version {old_version}"))
    }

    /// Revokes a key that was minted and not stored. Does nothing without a command for it,
    /// or after a signal.
    async fn discard(&mut self, rotation: &Rotation, new: &SecretString) -> Result<(), Failure> {
        if !self.provider.revokes() || self.termination.is_requested() {
            return Ok(());
        }
        // Two rotations may have minted the same key.
        let current = self.unless_interrupted(rotation.read_current()).await?;
        if current.is(new) {
            self.stage = Stage::MaybeStored;
            return Ok(());
        }
        let (context, termination) = (&self.context, &mut self.termination);
        self.provider.pass(Purpose::Discard, new, context, termination).await?;
        self.stage = Stage::Discarded;
        self.report.done(Step::Discarded, "revoked the new key, which is not stored")
    }

    /// Waits for something that may be canceled, unless a signal requests the end.
    pub(super) async fn unless_interrupted<T, E>(
        &mut self,
        step: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failure>
    where
        Failure: From<E>,
    {
        self.check_not_interrupted()?;
        tokio::select! {
            outcome = step => Ok(outcome?),
            () = self.termination.requested() => Err(interrupted(HINT)),
        }
    }

    /// Waits for a change in Vault. After a signal it may complete within [`GRACE`]; the next step
    /// then fails.
    async fn change<T>(
        &mut self,
        change: impl Future<Output = Result<T, Error>>,
    ) -> Result<Result<T, Error>, Failure> {
        self.check_not_interrupted()?;
        let mut change = std::pin::pin!(change);
        tokio::select! {
            outcome = &mut change => return Ok(outcome),
            () = self.termination.requested() => {}
        }
        timeout(GRACE, change).await.map_err(|_| interrupted(HINT))
    }

    fn check_not_interrupted(&self) -> Result<(), Failure> {
        if self.termination.is_requested() { Err(interrupted(HINT)) } else { Ok(()) }
    }
}

const HINT: &str = "run the command again";

/// Returns whether the error of a write shows that nothing was stored.
fn is_not_stored(error: &Error) -> bool {
    error.kind() != ErrorKind::Conflict || error.reason() == Reason::CasMismatch
}

fn overtaken(name: &str) -> Failure {
    let what = format!("rotate {name}: version mismatch: another writer stored a new version");
    Failure::new(ErrorKind::Conflict, what, "nothing was changed; run the command again")
}

/// Verifies that the current key is not the old one.
fn check_replaced(
    name: &str,
    current: &StoredKey,
    stored: Option<u64>,
    old_key: Option<&SecretString>,
) -> Result<(), Failure> {
    let version = current.version;
    if let Some(stored) = stored.filter(|stored| version < *stored) {
        let what = format!("rotate {name}: Vault returned version {version} instead of {stored}");
        return Err(Failure::new(ErrorKind::Unavailable, what, "check the replication of Vault"));
    }
    if old_key.is_some_and(|old_key| current.is(old_key)) {
        let what = format!("rotate {name}: version {version} has the old key again");
        return Err(Failure::new(ErrorKind::Conflict, what, "run the command again to rotate it"));
    }
    Ok(())
}
