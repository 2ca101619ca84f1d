//! Limits of the parser, and messages for files that cannot be parsed.
//!
//! **Invariant:** no message quotes the file, because it also contains provider keys.

use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Error, Options};

/// The total size of the file and everything it includes: 1 MiB.
pub(super) const BYTES: usize = 1024 * 1024;
/// The number of files, the root file included.
pub(super) const FILES: usize = 64;
/// The depth of nesting in a file.
const DEPTH: usize = 32;
/// The number of nodes that all aliases of a file expand to. The number of aliases is unlimited.
const EXPANDED_NODES: usize = 100_000;
/// The size of the text of a file with its aliases expanded: 8 MiB.
const EXPANDED_BYTES: usize = 8 * BYTES;

/// Returns the options of the parser.
///
/// YAML 1.1 words such as `yes` stay text, because their meaning depends on the setting. Merge keys
/// and duplicate keys are passed through; [`mapping`](super::mapping) resolves them.
pub(super) fn options() -> Options {
    serde_saphyr::options! {
        with_snippet: false,
        strict_booleans: true,
        ignore_binary_tag_for_string: true,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::AsOrdinary,
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: EXPANDED_NODES },
        budget: serde_saphyr::budget! {
            max_depth: DEPTH,
            // Larger than the parser's look-ahead, so that `max_depth` is the limit that applies.
            flow_nesting_limit: 2048,
            max_total_scalar_bytes: EXPANDED_BYTES,
            // The size of the file limits the following.
            max_events: 4 * BYTES,
            max_nodes: 4 * BYTES,
            max_anchors: BYTES,
            max_aliases: BYTES,
            enforce_alias_anchor_ratio: false,
        },
    }
}

/// Returns the message and the hint for a parser error.
pub(super) fn explain(error: &Error) -> (&'static str, &'static str) {
    match error.without_snippet() {
        Error::AliasError { error, .. } => explain(error),
        Error::Budget { breach, .. } => explain_breach(breach),
        Error::AliasReplayLimitExceeded { .. } => {
            ("the aliases expand to more than 100,000 nodes", WRITE_OUT)
        }
        Error::MultipleDocuments { .. } => {
            ("more than one document", "keep one document in the file")
        }
        Error::UnknownAnchor { .. } => {
            ("alias of an undefined anchor", "define the anchor before its first alias")
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            ("alias within its own anchor", WRITE_OUT)
        }
        _ => ("invalid YAML", "check quotes, brackets and indentation on this line and above"),
    }
}

const WRITE_OUT: &str = "replace the aliases with what they expand to";

fn explain_breach(breach: &BudgetBreach) -> (&'static str, &'static str) {
    match breach {
        BudgetBreach::ScalarBytes { .. } => {
            ("the aliases expand to more than 8 MiB of text", WRITE_OUT)
        }
        BudgetBreach::Depth { .. } => ("nested more than 32 levels deep", "reduce the nesting"),
        _ => ("the file exceeds a limit of the parser", "make the file smaller"),
    }
}
