//! The only place where the harness reads its own environment.

/// Returns a variable that is set and not empty.
#[expect(clippy::disallowed_methods, reason = "the harness's settings, not the product's")]
pub(crate) fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
