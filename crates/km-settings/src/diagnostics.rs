//! Where problems and warnings gather while settings are read.

use std::collections::HashSet;
use std::hash::Hash;

use crate::problem::{Problem, Problems, SettingSource, Warning};
use crate::text::one_line;

/// What was noted so far. Reading goes on after a problem, so that all of them come together.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    problems: Vec<Problem>,
    warnings: Vec<Warning>,
}

impl Notes {
    pub(crate) fn problem(
        &mut self,
        source: SettingSource,
        what: impl AsRef<str>,
        hint: impl AsRef<str>,
    ) {
        let (what, hint) = (one_line(what.as_ref()), one_line(hint.as_ref()));
        self.problems.push(Problem { source, message: what, hint });
    }

    pub(crate) fn warning(
        &mut self,
        source: SettingSource,
        what: impl AsRef<str>,
        hint: impl AsRef<str>,
    ) {
        let (what, hint) = (one_line(what.as_ref()), one_line(hint.as_ref()));
        self.warnings.push(Warning { source, message: what, hint });
    }

    /// How many problems there are: a part that added none can be relied on.
    pub(crate) fn count(&self) -> usize {
        self.problems.len()
    }

    /// The warnings, if there is no problem. What was noted twice, because two settings rest on
    /// one value, is said once.
    pub(crate) fn finish(self) -> Result<Vec<Warning>, Problems> {
        Problems::unless_empty(once(self.problems), once(self.warnings))
    }
}

fn once<T: Clone + Eq + Hash>(mut notes: Vec<T>) -> Vec<T> {
    let mut seen = HashSet::with_capacity(notes.len());
    notes.retain(|note| seen.insert(note.clone()));
    notes
}
