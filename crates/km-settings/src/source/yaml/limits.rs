//! Bounds of the parser, and messages about files that cannot be parsed. No content is quoted,
//! because the same file holds provider keys.

use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Error, Options};

/// The size of the file with all that it includes: 1 MiB.
pub(super) const BYTES: usize = 1024 * 1024;
/// The number of files: the configuration and all that it includes.
pub(super) const FILES: usize = 64;
const DEPTH: usize = 32;
/// The nodes that all aliases together expand to. Their number is not limited.
const EXPANDED: usize = 100_000;
/// The text of a file with its aliases expanded, in bytes.
const EXPANDED_BYTES: usize = 8 * BYTES;

/// The options of the parser. YAML 1.1 words such as `yes` stay text for the setting that reads them.
/// Merge keys and repeated keys are reported as they are written; `mapping.rs` resolves them.
pub(super) fn options() -> Options {
    serde_saphyr::options! {
        with_snippet: false,
        strict_booleans: true,
        ignore_binary_tag_for_string: true,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::AsOrdinary,
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: EXPANDED },
        budget: serde_saphyr::budget! {
            max_depth: DEPTH,
            // Beyond what the parser looks ahead, so that the depth above is what refuses.
            flow_nesting_limit: 2048,
            max_total_scalar_bytes: EXPANDED_BYTES,
            // The length of the file bounds these.
            max_events: 4 * BYTES,
            max_nodes: 4 * BYTES,
            max_anchors: BYTES,
            max_aliases: BYTES,
            enforce_alias_anchor_ratio: false,
        },
    }
}

/// What is wrong with the file, and how to fix it.
pub(super) fn explain(error: &Error) -> (&'static str, &'static str) {
    match error.without_snippet() {
        Error::AliasError { error, .. } => explain(error),
        Error::Budget { breach, .. } => explain_breach(breach),
        Error::AliasReplayLimitExceeded { .. } => {
            ("the aliases expand to more than 100,000 nodes", WRITE_OUT)
        }
        Error::MultipleDocuments { .. } => {
            ("a second document begins", "keep one document in the file")
        }
        Error::UnknownAnchor { .. } => {
            ("an alias names no anchor", "define the anchor above its first alias")
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            ("an alias stands inside its own anchor", WRITE_OUT)
        }
        _ => ("this is not valid YAML", "check quotes, brackets and indentation here and above"),
    }
}

const WRITE_OUT: &str = "write out what the aliases stand for";

fn explain_breach(breach: &BudgetBreach) -> (&'static str, &'static str) {
    match breach {
        BudgetBreach::ScalarBytes { .. } => {
            ("the aliases expand to more than 8 MiB of text", WRITE_OUT)
        }
        BudgetBreach::Depth { .. } => ("the nesting is deeper than 32", "flatten the file"),
        _ => ("the file is larger than its limits", "make the file smaller"),
    }
}
