//! How much of a file is read, and what is said about one that can't be. No content is quoted:
//! the same file holds provider keys.

use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::options::NonFiniteFloatPolicy;
use serde_saphyr::{Error, Options};

/// 1 MiB.
pub(super) const BYTES: usize = 1024 * 1024;
const ALIASES: usize = 100;
const DEPTH: usize = 32;
/// What all aliases together may unfold to, so that a hundred of them can't be nested to billions.
const UNFOLDED: usize = 100_000;

/// The parser's options. What YAML 1.1 words like `yes` mean is left to the setting that reads them.
pub(super) fn options() -> Options {
    serde_saphyr::options! {
        with_snippet: false,
        strict_booleans: true,
        ignore_binary_tag_for_string: true,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: UNFOLDED },
        budget: serde_saphyr::budget! {
            max_aliases: ALIASES,
            max_depth: DEPTH,
            // Beyond what the parser looks ahead, so that the depth above is what refuses.
            flow_nesting_limit: 2048,
            // The length of the file bounds these three.
            max_events: 4 * BYTES,
            max_nodes: 4 * BYTES,
            max_anchors: BYTES,
            enforce_alias_anchor_ratio: false,
        },
    }
}

/// What is wrong with the file, and how to mend it.
pub(super) fn explain(error: &Error) -> (&'static str, &'static str) {
    match error.without_snippet() {
        Error::AliasError { error, .. } => explain(error),
        Error::Budget { breach, .. } => explain_breach(breach),
        Error::AliasReplayLimitExceeded { .. } => {
            ("aliases unfold to more than is read", "write out what the aliases stand for")
        }
        Error::DuplicateMappingKey { .. } => {
            ("a key stands twice in one mapping", "keep one of the two")
        }
        Error::MultipleDocuments { .. } => {
            ("a second document begins", "keep one document in the file")
        }
        Error::UnknownAnchor { .. } => {
            ("an alias names no anchor", "define the anchor above its first alias")
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            ("an alias stands inside its own anchor", "write out what the alias stands for")
        }
        Error::MergeValueNotMapOrSeqOfMaps { .. } => {
            ("`<<` merges something that is no mapping", "merge a mapping or a list of mappings")
        }
        _ => ("this is no valid YAML", "check quotes, brackets and indentation here and above"),
    }
}

fn explain_breach(breach: &BudgetBreach) -> (&'static str, &'static str) {
    match breach {
        BudgetBreach::Aliases { .. } => {
            ("more than 100 aliases are used", "write out what the aliases stand for")
        }
        BudgetBreach::Depth { .. } => ("the nesting is deeper than 32", "flatten the file"),
        _ => ("the file holds more than is read", "make the file smaller"),
    }
}
