//! The list of comparisons.

mod cache;
mod requests;
mod sidecar;
mod token;

use crate::comparison::Comparison;

/// All comparisons, in the order of the page.
pub(crate) const ALL: &[Comparison] = &[
    requests::UNCACHED_READ,
    requests::COLD,
    requests::STORES,
    token::ONE_THREAD,
    token::TWO_THREADS,
    cache::HIT,
    cache::HOT,
    cache::FILL,
    cache::HERD,
    sidecar::NATIVE,
    sidecar::VAULT,
];
