//! The public behaviour of the cache on virtual time, with a scripted source: one file per
//! guarantee, and a model that predicts the result of random sequences of events.

#![cfg(test)]

mod bounds;
mod concurrent;
mod expiry;
mod freshness;
mod handles;
mod keys;
mod loading;
mod miss_path;
mod model;
mod outage;
mod own_interval;
mod polling;
mod priming;
mod queue;
mod races;
mod refresh;
mod scale;
mod simulation;
mod source;
mod staleness;
mod status;
mod surface;
mod threads;
mod waiting;
mod writes;
