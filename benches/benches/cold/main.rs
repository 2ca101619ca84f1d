//! The elapsed time of reading 1,000 names that are not cached from a server that is 2 ms away, 64
//! in flight: the delay of a gateway's start.

mod contenders;

use std::time::Duration;

use anyhow::Result;
use benches::{Fleet, Meter, Reader, Server, criterion, group, pair_of, provide_cryptography};

use contenders::{Hyper, NAMES, Names, Project, Typed};

/// The delay of a response, in milliseconds.
const AWAY: &str = "2";

fn main() -> Result<()> {
    provide_cryptography()?;
    let server = Server::start_with(env!("CARGO_BIN_EXE_canned-server"), &[AWAY])?;
    let names = Names::default();
    let mut hyper =
        Fleet::new(async || Hyper::connect(&server, &names).await)?.metered(Meter::Clock);
    let typed = Typed::new(&server, &names)?;
    let mut typed = Fleet::new(async || Ok(typed.clone()))?.metered(Meter::Clock);
    let project = Project::new(&server, &names)?;
    let mut cached = Fleet::new(async || Ok(project.clone()))?.metered(Meter::Clock);

    let mut criterion = criterion();
    let mut group = group(&mut criterion, "cold");
    let reference = &mut |times| all(&mut hyper, times, || ());
    pair_of(&mut group, "reqwest", reference, &mut |times| all(&mut typed, times, || ()));
    pair_of(&mut group, "km-proxy-adapter", reference, &mut |times| {
        all(&mut cached, times, || project.forget())
    });
    group.finish();
    Ok(())
}

/// Reads all names `times` times. `prepare` runs before each time and is not measured.
fn all<R: Reader>(fleet: &mut Fleet<R>, times: u64, before: impl Fn()) -> Duration {
    let each = (0..times).map(|_| {
        before();
        fleet.cost(NAMES)
    });
    each.sum()
}
