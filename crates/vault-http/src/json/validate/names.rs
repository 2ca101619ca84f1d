//! The names of the members of open objects.

use std::borrow::Cow;
use std::collections::HashSet;

/// The number of names of an object that are searched linearly, which suffices for most objects.
const MAX_LINEAR: usize = 16;

/// The first names of all open objects, outermost first.
pub(super) struct Names<'a>(Vec<Cow<'a, str>>);

/// An open object.
pub(super) struct Object<'a> {
    /// The index of its first name in [`Names`].
    first: usize,
    /// The names after the first [`MAX_LINEAR`].
    more: HashSet<Cow<'a, str>>,
}

impl<'a> Names<'a> {
    pub(super) fn new() -> Self {
        // Sufficient for the envelope of a secret, so that the vector is rarely reallocated.
        Self(Vec::with_capacity(24))
    }

    /// Opens an object inside those that are open.
    pub(super) fn open(&self) -> Object<'a> {
        Object { first: self.0.len(), more: HashSet::new() }
    }

    /// Inserts a name into the innermost open object. Returns whether it was new.
    pub(super) fn insert(&mut self, object: &mut Object<'a>, name: Cow<'a, str>) -> bool {
        let linear = self.0.get(object.first..).unwrap_or_default();
        if linear.contains(&name) {
            return false;
        }
        if linear.len() < MAX_LINEAR {
            self.0.push(name);
            return true;
        }
        object.more.insert(name)
    }

    /// Closes the innermost open object.
    pub(super) fn close(&mut self, object: &Object<'a>) {
        self.0.truncate(object.first);
    }
}
