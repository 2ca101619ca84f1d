//! `km key`: virtual keys.

mod common;

mod killed;
mod policy;
mod rejected;
mod rotate_rename;
mod store;
mod teams;
mod versions;
