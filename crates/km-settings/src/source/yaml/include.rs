//! The files of a configuration: the one that was given, and those that `include:` names.
//!
//! They are read breadth first and each once, as by `resolve_includes` in LiteLLM's
//! `config_includes.py`, and within bounds that hold for all of them together.

use std::collections::{HashSet, VecDeque};
use std::path::{Component, Path, PathBuf};

use super::document::origin;
use super::limits;
use super::mapping::{self, Findings, Part};
use super::node::{Entry, Node, Value};
use crate::diagnostics::Notes;
use crate::problem::SettingSource;
use crate::source::{IncludeError, Yaml};
use crate::text::{one_line, shown};

/// The key that names further files.
pub(super) const INCLUDE: &str = "include";

/// A file with merge keys and repeated keys resolved.
pub(super) struct File {
    /// The name for messages.
    pub(super) name: String,
    /// The pairs at its top level.
    pub(super) entries: Vec<Entry>,
}

/// Reads the configuration and all that it includes, in the order in which they are merged.
pub(super) fn read(yaml: &Yaml<'_>, notes: &mut Notes) -> Vec<File> {
    let root = PathBuf::from(yaml.file);
    let mut reading = Reading {
        yaml,
        notes,
        left: limits::BYTES,
        loaded: HashSet::new(),
        pending: VecDeque::new(),
    };
    reading.loaded.insert(normalized(&root));
    let mut files = vec![reading.parse(root, yaml.text)];
    while let Some(include) = reading.pending.pop_front() {
        if files.len() == limits::FILES {
            reading.notes.problem(
                include.origin,
                "more than 64 files are included",
                "include fewer",
            );
            break;
        }
        files.extend(reading.include(include));
    }
    files
}

/// An entry of an `include:` list.
struct Include {
    entry: String,
    declared_in: PathBuf,
    origin: SettingSource,
}

struct Reading<'a, 'n> {
    yaml: &'a Yaml<'a>,
    notes: &'n mut Notes,
    /// The bytes that may still be read.
    left: usize,
    /// The files that were read, by their normalized paths.
    loaded: HashSet<PathBuf>,
    pending: VecDeque<Include>,
}

impl Reading<'_, '_> {
    /// Reads an included file: beside the file that declares it, else beside the root file.
    fn include(&mut self, include: Include) -> Option<File> {
        let beside =
            |file: &Path| normalized(&file.parent().unwrap_or(Path::new("")).join(&include.entry));
        let declared = beside(&include.declared_in);
        let at_root = beside(Path::new(self.yaml.file));
        let mut path = declared;
        let mut text = self.load(&path)?;
        if matches!(text, Err(IncludeError::NotFound)) && at_root != path {
            let found = self.load(&at_root);
            if !matches!(found, Some(Err(IncludeError::NotFound))) {
                let what = format!("{} was found beside the root file only", shown(&include.entry));
                let hint = "move it next to the file that includes it";
                self.notes.warning(include.origin.clone(), what, hint);
            }
            (path, text) = (at_root, found?);
        }
        match text {
            Ok(text) => {
                self.loaded.insert(path.clone());
                Some(self.parse(path, &text))
            }
            Err(error) => {
                let what = format!("cannot include {}: {error}", shown(&include.entry));
                self.notes.problem(include.origin, what, error.hint());
                None
            }
        }
    }

    /// The text of a file; `None` if it was read before.
    fn load(&self, path: &Path) -> Option<Result<zeroize::Zeroizing<String>, IncludeError>> {
        (!self.loaded.contains(path)).then(|| self.yaml.includes.read(path, self.left))
    }

    fn parse(&mut self, path: PathBuf, text: &str) -> File {
        let name = one_line(&path.display().to_string());
        let entries = if let Some(left) = self.left.checked_sub(text.len()) {
            self.left = left;
            parse(&name, text, self.notes)
        } else {
            let what = "the file, with all that it includes, is larger than 1 MiB";
            self.notes.problem(origin(&name, "", 1), what, "make it smaller");
            Vec::new()
        };
        if let Some(entry) = entries.iter().find(|entry| entry.name() == Some(INCLUDE)) {
            self.queue(&path, &name, &entry.node);
        }
        File { name, entries }
    }

    fn queue(&mut self, path: &Path, name: &str, node: &Node) {
        let Value::List(items) = &node.value else {
            self.not_a_list(name, node);
            return;
        };
        for item in items {
            match &item.value {
                Value::Text(entry) => self.pending.push_back(Include {
                    entry: entry.clone(),
                    declared_in: path.to_owned(),
                    origin: origin(name, INCLUDE, item.line),
                }),
                _ => self.not_a_list(name, item),
            }
        }
    }

    fn not_a_list(&mut self, name: &str, node: &Node) {
        let what = format!("must be a list of file names, not {}", node.value.kind());
        self.notes.problem(
            origin(name, INCLUDE, node.line),
            what,
            "write `include: [models.yaml]`",
        );
    }
}

/// The pairs at the top level of a file.
fn parse(name: &str, text: &str, notes: &mut Notes) -> Vec<Entry> {
    let mut node: Node = match serde_saphyr::from_str_with_options(text, limits::options()) {
        Ok(node) => node,
        Err(error) => {
            let place = error.location().map_or((1, 1), |place| (place.line(), place.column()));
            let (what, hint) = limits::explain(&error);
            notes.problem(origin(name, "", place.0), format!("{what} (column {})", place.1), hint);
            return Vec::new();
        }
    };
    let mut findings = Findings::default();
    mapping::resolve(&mut node, Part::Top, &mut findings);
    report(&findings, name, notes);
    match node.value {
        Value::Map(entries) => return entries,
        Value::Null => {}
        _ => {
            let hint = "put `general_settings:` at the top level";
            notes.problem(origin(name, "", 1), "the file is not a mapping", hint);
        }
    }
    Vec::new()
}

fn report(findings: &Findings, name: &str, notes: &mut Notes) {
    for line in &findings.repeated_ours {
        let what = "a key is given twice in one mapping";
        notes.problem(origin(name, "", *line), what, "keep one of the two");
    }
    for line in &findings.bad_merges {
        let what = "`<<` merges something that is not a mapping";
        notes.problem(origin(name, "", *line), what, "merge a mapping or a list of mappings");
    }
    let lines: std::collections::BTreeSet<_> = findings.repeated.iter().collect();
    if let Some(first) = lines.first() {
        let more = match lines.len() {
            1 => String::new(),
            count => format!(", and so on {} further lines", count - 1),
        };
        let what = format!("a key is given twice in one mapping: the last one counts{more}");
        notes.warning(origin(name, "", **first), what, "keep one of the two");
    }
}

/// `path` without `.` and `..`, as text: the file system is not asked, as by Python's `abspath`.
fn normalized(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match (component, normal.components().next_back()) {
            (Component::CurDir, _) | (Component::ParentDir, Some(Component::RootDir)) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => drop(normal.pop()),
            (component, _) => normal.push(component),
        }
    }
    normal
}
