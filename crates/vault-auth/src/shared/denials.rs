//! Pending denials: 403 responses that are being resolved, once for all callers with the same
//! token.
//!
//! Invariant: every denial that is opened is resolved by the driver or when it ends.

use std::sync::PoisonError;

use vault_http::Generation;

use super::sync::Mutex;

/// The pending denials by generation. `T` is the channel for the outcome.
#[derive(Debug)]
pub(crate) struct PendingDenials<T>(Mutex<Pending<T>>);

#[derive(Debug)]
struct Pending<T> {
    open: Vec<(Generation, T)>,
    /// Whether the driver has ended, so that it would not resolve another denial.
    closed: bool,
}

impl<T: Clone> PendingDenials<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Pending { open: Vec::new(), closed: false }))
    }

    /// Returns the pending denial of this generation, and whether this call opened it. The caller
    /// that opened it must report it to the driver. Returns `None` if the driver has ended.
    pub(crate) fn join(
        &self,
        generation: Generation,
        open: impl FnOnce() -> T,
    ) -> Option<(T, bool)> {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.closed {
            return None;
        }
        if let Some((_, denial)) = pending.open.iter().find(|(of, _)| *of == generation) {
            return Some((denial.clone(), false));
        }
        let denial = open();
        pending.open.push((generation, denial.clone()));
        Some((denial, true))
    }

    /// Removes the pending denial of this generation, to be resolved. A later caller opens another.
    pub(crate) fn take(&self, generation: Generation) -> Option<T> {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = pending.open.iter().position(|(of, _)| *of == generation)?;
        Some(pending.open.swap_remove(index).1)
    }

    /// Removes all pending denials, to be resolved. None can be opened afterwards.
    pub(crate) fn close(&self) -> Vec<T> {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pending.closed = true;
        pending.open.drain(..).map(|(_, denial)| denial).collect()
    }
}
