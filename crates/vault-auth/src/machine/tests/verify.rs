//! The resolution of 403 responses by a look-up.

use std::time::Duration;

use vault_http::{Denial, Error, ErrorKind};

use super::scenario::{Scenario, renewable};
use crate::machine::RenewalFailure::Dead;
use crate::machine::{Event, Liveness};
use crate::status::State;

#[test]
fn denied_path_causes_one_look_up_in_five_seconds() {
    let mut scenario = Scenario::with(renewable("a", 1_000));
    let generation = scenario.machine.generation;
    assert_eq!(scenario.denied(false), ["look up"]);
    assert!(scenario.denied(false).is_empty());
    assert_eq!(
        scenario.handle(Event::LookedUp { generation, liveness: Liveness::Alive }),
        ["alive"]
    );
    assert_eq!(scenario.denied(false), ["alive"]);
    scenario.now += Duration::from_secs(5);
    assert_eq!(scenario.denied(false), ["look up"]);
    let unknown = Liveness::Unknown(Error::new(ErrorKind::Timeout, "look up"));
    assert_eq!(scenario.handle(Event::LookedUp { generation, liveness: unknown }), ["unknown"]);
    assert_eq!(scenario.denied(false), ["look up"]);
    assert_eq!(
        scenario.handle(Event::LookedUp { generation, liveness: Liveness::Dead }),
        ["log in", "dead"]
    );
    scenario.assert_state(State::LoggingIn);
}

#[test]
fn late_403_of_an_old_generation_leaves_the_active_token() {
    let mut scenario = Scenario::with(renewable("a", 1_000));
    let old = scenario.machine.generation;
    assert_eq!(scenario.denied(true), ["log in", "dead"]);
    scenario.logged_in(renewable("b", 1_000));
    for token_invalid in [true, false] {
        let late = Denial::new(old, token_invalid);
        assert_eq!(scenario.handle(Event::Denied(late)), ["dead"]);
    }
    assert_eq!(
        scenario.handle(Event::LookedUp { generation: old, liveness: Liveness::Dead }),
        ["dead"]
    );
    assert_eq!(
        scenario.handle(Event::RenewalFailed { generation: old, failure: Dead }),
        Vec::<&str>::new()
    );
    scenario.assert_state(State::Active);
}
