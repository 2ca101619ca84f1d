//! Settings: the configuration file, variables, credential files, addresses and paths.

mod address;
mod credential_files;
mod file;
mod hostile_paths;
mod location;
mod rejected;
