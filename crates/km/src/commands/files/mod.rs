//! A directory of files with secrets, which other programs read.
//!
//! Its layout is that of a [Kubernetes volume]: each set of files is a directory of its own,
//! `..data` is a link to the current set, and each file of the directory is a link through it.
//! Replacing `..data` replaces all files at once.
//!
//! [Kubernetes volume]: https://kubernetes.io/docs/concepts/configuration/secret/
//!
//! **Invariant:** at every moment, and after a kill at any moment, `..data` leads to a complete set
//! or does not exist. [`publisher`] writes and replaces sets, [`directory`] is the only code that
//! calls the file system.

mod access;
mod directory;
mod file_set;
mod names;
mod publication;
mod publisher;

pub(crate) use access::FileAccess;
pub(crate) use names::{file_name, to_files};
pub(crate) use publication::Publication;
pub(crate) use publisher::Change;
