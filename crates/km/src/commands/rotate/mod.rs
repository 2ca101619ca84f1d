//! `km rotate`: replaces the key of a provider without a failed request.
//!
//! [`steps`] runs the steps, [`provider`] the commands, and [`confirm`] waits until every
//! [`target`] shows the new key. What is stored, and what an interrupted run has left, is
//! decided by [`km_proxy_adapter::Rotation`].

mod confirm;
mod options;
mod provider;
mod report;
mod stage;
mod steps;
mod target;

use std::fmt::Write as _;

use km_proxy_adapter::ErrorKind;

use crate::cli::{GlobalArgs, RotateArgs};
use crate::config;
use crate::error::Failure;
use crate::signals::{IgnoredSignals, TERMINATION, Termination};
use steps::Run;
use target::Target;

/// The random bytes of a rotation's ID, which is unique among those of one secret.
const ID_BYTES: usize = 8;

/// Rotates a key, or completes an interrupted rotation.
pub(crate) async fn run(global: &GlobalArgs, args: RotateArgs) -> Result<(), Failure> {
    options::check(&args)?;
    let targets = Target::all(&args).await?;
    let termination = Termination::catch(TERMINATION, IgnoredSignals::now())?;
    let mut run = Run::new(&args, &targets, id()?, termination, global.json);
    // A rotation takes minutes, so that its token has to be renewed.
    let keys = run.unless_interrupted(config::connect_long_running(global)).await?;
    let outcome = run.rotate(&keys).await;
    keys.shutdown().await;
    outcome
}

fn id() -> Result<String, Failure> {
    let mut bytes = [0; ID_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| {
        let what = format!("internal: no random numbers: {error}");
        Failure::new(ErrorKind::Internal, what, "check the operating system's random source")
    })?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
