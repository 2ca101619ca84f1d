//! A collector of problems and warnings.

use std::collections::HashSet;
use std::hash::Hash;

use crate::problem::{Problem, Problems, SettingSource, Warning};
use crate::text::one_line;

/// The problems and warnings so far. Reading continues after a problem, so that all problems are
/// reported together.
#[derive(Debug, Default)]
pub(crate) struct Diagnostics {
    problems: Vec<Problem>,
    warnings: Vec<Warning>,
}

impl Diagnostics {
    /// Records an error in the settings.
    pub(crate) fn problem(
        &mut self,
        source: SettingSource,
        message: impl AsRef<str>,
        hint: impl AsRef<str>,
    ) {
        let (message, hint) = (one_line(message.as_ref()), one_line(hint.as_ref()));
        self.problems.push(Problem { source, message, hint });
    }

    /// Records a setting that is valid but probably a mistake.
    pub(crate) fn warning(
        &mut self,
        source: SettingSource,
        message: impl AsRef<str>,
        hint: impl AsRef<str>,
    ) {
        let (message, hint) = (one_line(message.as_ref()), one_line(hint.as_ref()));
        self.warnings.push(Warning { source, message, hint });
    }

    /// Returns the number of problems. If it is unchanged after a setting was read, the setting is
    /// valid.
    pub(crate) fn problem_count(&self) -> usize {
        self.problems.len()
    }

    /// Returns the warnings, or the problems if there are any. Duplicates are dropped, because
    /// two settings may be derived from the same value.
    pub(crate) fn finish(self) -> Result<Vec<Warning>, Problems> {
        Problems::unless_empty(deduplicated(self.problems), deduplicated(self.warnings))
    }
}

fn deduplicated<T: Clone + Eq + Hash>(mut items: Vec<T>) -> Vec<T> {
    let mut seen = HashSet::with_capacity(items.len());
    items.retain(|item| seen.insert(item.clone()));
    items
}
