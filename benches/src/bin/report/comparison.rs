//! The comparisons: one for each criterion group, in the order of the page.

use crate::target::Target;

/// A criterion group of the package `benches`: a reference, and contenders that are measured each right
/// after it.
#[derive(Debug)]
pub(crate) struct Comparison {
    /// The name of the criterion group.
    pub(crate) group: &'static str,
    /// The operation that is measured.
    pub(crate) what: &'static str,
    /// The reference, whose cost is ×1.
    pub(crate) reference: &'static str,
    /// Each contender's name in the group, and its label on the page.
    pub(crate) contenders: &'static [(&'static str, &'static str)],
    /// The targets of this project's contenders, by name.
    pub(crate) targets: &'static [(&'static str, Target)],
    /// The method of measurement, as Markdown.
    pub(crate) method: &'static str,
}
