//! The last valid value of a credential, which is used while no other one can be obtained.

use std::sync::{Mutex, PoisonError};

use vault_http::Error;

use crate::log::warn;

/// The last valid value.
#[derive(Debug)]
pub(crate) struct LastValid<T>(Mutex<Option<T>>);

impl<T: Clone> LastValid<T> {
    /// Returns the value that was read, or the last valid one if there is an error or the value is
    /// not complete. The first value counts as complete.
    pub(crate) fn or_last(
        &self,
        read: Result<T, Error>,
        is_complete: impl FnOnce(&T) -> bool,
    ) -> Result<T, Error> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(value) => match &*last {
                Some(last) if !is_complete(&value) => Ok(last.clone()),
                _ => Ok(last.insert(value).clone()),
            },
            Err(error) => {
                let last = last.clone().ok_or_else(|| error.clone())?;
                warn!(%error, "credential is unusable; using the last valid one");
                Ok(last)
            }
        }
    }
}

impl<T> Default for LastValid<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}
