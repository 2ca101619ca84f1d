//! Prepares the server that the tests will use, and prints what it is, the word of its flavor and
//! the word of its way, a line each. `cargo xtask` runs it before a suite.
#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use anyhow::Result;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let (description, flavor, way) = testkit::prepared_server().await?;
    println!("{description}\n{flavor}\n{way}");
    Ok(())
}
