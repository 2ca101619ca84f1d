//! `km exec --watch`: a program that is started again, or told, when a value has changed.

mod endings;
mod program;
mod restarts;
mod signals;
mod trouble;
