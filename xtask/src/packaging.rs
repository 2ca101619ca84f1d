//! What stands beside the program: completions and man pages.

use anyhow::Result;

use crate::step::{cargo, run};

/// Writes the completions and the man pages: the tests that compare them do so when told to.
pub(crate) fn pages() -> Result<()> {
    let mut command = cargo(&["test", "--locked", "--package=km", "--bin=km", "pages::"]);
    run("pages", command.env("UPDATE_EXPECT", "1"))
}
