//! Denials that are being settled: once for all callers with the same token.
//!
//! Every denial that was opened gets an outcome: from the driver, or when all are closed at its end.

use std::sync::PoisonError;

use vault_http::Generation;

use super::sync::Mutex;

/// The denials that are being settled. `T` is the place where the outcome is put.
#[derive(Debug)]
pub(crate) struct PendingDenials<T>(Mutex<Pending<T>>);

#[derive(Debug)]
struct Pending<T> {
    open: Vec<(Generation, T)>,
    /// Whether the driver has ended: it would settle nothing that is opened now.
    closed: bool,
}

impl<T: Clone> PendingDenials<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Pending { open: Vec::new(), closed: false }))
    }

    /// Returns the pending denial of this generation, and whether this call opened it: the caller
    /// that did must report it to the driver. `None`: the driver has ended.
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

    /// Takes the pending denial of this generation out, to be settled. A later caller opens another.
    pub(crate) fn take(&self, generation: Generation) -> Option<T> {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = pending.open.iter().position(|(of, _)| *of == generation)?;
        Some(pending.open.swap_remove(index).1)
    }

    /// Takes all of them out, to be settled, and opens no more.
    pub(crate) fn close(&self) -> Vec<T> {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pending.closed = true;
        pending.open.drain(..).map(|(_, denial)| denial).collect()
    }
}
