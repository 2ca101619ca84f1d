//! End-to-end tests of `km rotate` with a provider of shell commands.

mod provider;
mod world;

mod commands;
mod concurrent;
mod killed;
mod rejected;
mod signals;
mod success;
mod targets;
