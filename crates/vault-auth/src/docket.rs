//! Generations whose 403 is being settled: once for all who ask.

use std::sync::PoisonError;

use vault_http::Generation;

use crate::sync::Mutex;

/// The open cases. `T` is the place where their outcome will be.
#[derive(Debug)]
pub(crate) struct Docket<T>(Mutex<Vec<(Generation, T)>>);

impl<T: Clone> Docket<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// The case of this generation, and whether it was opened for this caller: who is told `true`
    /// has to see to it that it is settled.
    pub(crate) fn join(&self, generation: Generation, open: impl FnOnce() -> T) -> (T, bool) {
        let mut cases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, case)) = cases.iter().find(|(of, _)| *of == generation) {
            return (case.clone(), false);
        }
        let case = open();
        cases.push((generation, case.clone()));
        (case, true)
    }

    /// Closes the case of this generation: who asks from now on opens another.
    pub(crate) fn close(&self, generation: Generation) -> Option<T> {
        let mut cases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = cases.iter().position(|(of, _)| *of == generation)?;
        Some(cases.swap_remove(place).1)
    }

    /// Closes all cases.
    pub(crate) fn close_all(&self) -> Vec<T> {
        let mut cases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cases.drain(..).map(|(_, case)| case).collect()
    }
}
