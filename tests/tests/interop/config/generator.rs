//! Random configurations as people could write them, in every style of YAML that PyYAML reads.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use fastrand::Rng;

/// The prefix of the referenced names.
pub(super) const PREFIX: &str = "REF_";
/// The number of names.
pub(super) const NAMES: usize = 30;

const DEPTH: usize = 4;

/// Keys at the top level. They are few, so that files and mappings repeat them.
const SECTIONS: [&str; 6] =
    ["model_list", "litellm_settings", "router_settings", "callbacks", "general_settings", "x"];

/// One configuration. The same seed creates the same files.
pub(super) struct Generator {
    rng: Rng,
    /// The anchors of the current file, and whether their value can be merged: a mapping that was
    /// not merged before.
    anchors: Vec<(String, bool)>,
    count: usize,
}

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        Self { rng: Rng::with_seed(seed), anchors: Vec::new(), count: 0 }
    }

    /// Writes the files into a new directory and returns the root file.
    pub(super) fn write(&mut self, directory: &Path) -> Result<PathBuf> {
        std::fs::create_dir_all(directory.join("sub"))?;
        let root = directory.join("config.yaml");
        // Paths beside and below the root file, and, from `sub`, relative to the root only.
        let tree: &[(&str, &str)] = match self.rng.usize(..4) {
            0 => &[("config.yaml", "")],
            1 => &[("config.yaml", "a.yaml"), ("a.yaml", "")],
            2 => &[
                ("config.yaml", "a.yaml, sub/b.yaml"),
                ("a.yaml", "sub/b.yaml, config.yaml"),
                ("sub/b.yaml", "c.yaml"),
                ("sub/c.yaml", ""),
            ],
            _ => &[
                ("config.yaml", "./sub/../sub/b.yaml, a.yaml"),
                ("sub/b.yaml", "a.yaml"),
                ("a.yaml", "sub/b.yaml"),
            ],
        };
        for (file, includes) in tree {
            let text = self.file(includes);
            std::fs::write(directory.join(file), text)?;
        }
        Ok(root)
    }

    fn file(&mut self, includes: &str) -> String {
        self.anchors.clear();
        let mut text = String::new();
        if !includes.is_empty() {
            if self.rng.bool() {
                writeln!(text, "include: [{includes}]")
            } else {
                writeln!(text, "include:\n- {}", includes.replace(", ", "\n- "))
            }
            .unwrap_or_default();
        }
        for _ in 0..self.rng.usize(3..8) {
            self.comment(&mut text, 0);
            let key = self.choose(&SECTIONS);
            let key = if self.rng.u8(..8) == 0 { format!("'{key}'") } else { key.to_owned() };
            let value = if matches!(key.as_str(), "model_list" | "callbacks") {
                self.list(0, 1)
            } else {
                self.mapping(0, 1)
            };
            let _ = write!(text, "{key}:{value}");
        }
        if self.rng.u8(..4) == 0 {
            text = format!("---\n{text}...\n");
        }
        if self.rng.u8(..4) == 0 {
            text = text.replace('\n', "\r\n");
        }
        if self.rng.u8(..4) == 0 { format!("\u{feff}{text}") } else { text }
    }

    /// Returns what follows `key:` or `-`, including the newline.
    fn value(&mut self, indent: usize, depth: usize) -> String {
        let kinds = if depth < DEPTH { 10 } else { 6 };
        match self.rng.usize(..kinds) {
            0 | 1 => format!(" {}{}\n", self.anchor(false), self.scalar()),
            2 => self.trailing_comment(),
            3 => self.block_scalar(indent),
            4 => match self.alias(false) {
                Some(alias) => format!(" {alias}\n"),
                None => self.trailing_comment(),
            },
            5 => {
                let flow = self.flow(depth);
                format!(" {flow}\n")
            }
            6 | 7 => self.list(indent, depth),
            _ => self.mapping(indent, depth),
        }
    }

    fn trailing_comment(&mut self) -> String {
        let scalar = self.scalar();
        let comment = if self.rng.bool() { " # os.environ/REF_COMMENT" } else { "" };
        format!(" {scalar}{comment}\n")
    }

    fn comment(&mut self, text: &mut String, indent: usize) {
        if self.rng.u8(..5) == 0 {
            let _ = writeln!(text, "{}# os.environ/REF_COMMENT: 'x", " ".repeat(indent));
        }
    }

    /// Returns a block or flow mapping after its key.
    fn mapping(&mut self, indent: usize, depth: usize) -> String {
        if self.rng.u8(..4) == 0 {
            return format!(" {}\n", self.flow_mapping(depth));
        }
        let name = self.new_anchor();
        let mut text = name.as_ref().map_or_else(String::new, |name| format!(" &{name}"));
        text.push('\n');
        let indent = indent + self.rng.usize(1..4);
        for _ in 0..self.rng.usize(1..5) {
            self.comment(&mut text, indent);
            let pair = self.pair(indent, depth);
            let _ = write!(text, "{}{pair}", " ".repeat(indent));
        }
        self.anchors.extend(name.map(|name| (name, true)));
        text
    }

    fn pair(&mut self, indent: usize, depth: usize) -> String {
        if self.rng.u8(..4) == 0
            && let Some(merged) = self.merged()
        {
            return format!("<<: {merged}\n");
        }
        let key = format!("k{}", self.rng.u8(..6));
        let value = self.value(indent, depth + 1);
        match self.rng.u8(..8) {
            0 => format!("'{key}':{value}"),
            1 => format!("\"{key}\" :{value}"),
            2 => format!("? {key}\n{}:{value}", " ".repeat(indent)),
            // Python has one object for each string of one character.
            3 => format!("{}:{value}", self.rng.u8(10..13)),
            _ => format!("{key}:{value}"),
        }
    }

    /// Returns the value of a merge key: a mapping, or a list of them. No key is in two mappings of
    /// a list, and each mapping is merged once, because the releases of PyYAML that LiteLLM accepts
    /// differ there: 6.0.4 compares keys by object identity.
    fn merged(&mut self) -> Option<String> {
        let one = self.alias(true)?;
        let merged = self.anchors.iter_mut().find(|(name, _)| one.strip_prefix('*') == Some(name));
        if let Some((_, can_be_merged)) = merged {
            *can_be_merged = false;
        }
        if self.rng.bool() {
            return Some(one);
        }
        self.count += 1;
        let (count, scalar) = (self.count, self.flow_scalar());
        Some(format!("[{{u{count}: {scalar}}}, {one}]"))
    }

    /// Returns a block list after its key, indented or not.
    fn list(&mut self, indent: usize, depth: usize) -> String {
        let anchor = self.new_anchor();
        let mut text = anchor.as_ref().map_or_else(String::new, |name| format!(" &{name}"));
        text.push('\n');
        // After `- ` a list must be indented.
        let indent = indent + 2;
        for _ in 0..self.rng.usize(1..4) {
            self.comment(&mut text, indent);
            let item = if depth < DEPTH && self.rng.bool() {
                let pair = self.pair(indent + 2, depth + 1);
                let second = self.pair(indent + 2, depth + 1);
                format!(" {pair}{}{second}", " ".repeat(indent + 2))
            } else {
                self.value(indent, depth + 1)
            };
            let _ = write!(text, "{}-{item}", " ".repeat(indent));
        }
        self.anchors.extend(anchor.map(|name| (name, false)));
        text
    }

    fn flow(&mut self, depth: usize) -> String {
        match self.rng.u8(..3) {
            0 => self.flow_mapping(depth),
            1 => self.flow_list(depth),
            _ => self.flow_scalar(),
        }
    }

    fn flow_mapping(&mut self, depth: usize) -> String {
        let pairs: Vec<_> = (0..self.rng.usize(..4))
            .map(|_| {
                let value = self.flow_value(depth);
                match self.rng.u8(..5) {
                    0 => format!("\"k{}\": {value}", self.rng.u8(..4)),
                    1 => self.merged().map_or_else(|| "k9: 1".to_owned(), |of| format!("<<: {of}")),
                    _ => format!("k{}: {value}", self.rng.u8(..4)),
                }
            })
            .collect();
        format!("{{{}}}", pairs.join(", "))
    }

    fn flow_list(&mut self, depth: usize) -> String {
        let items: Vec<_> = (0..self.rng.usize(..4)).map(|_| self.flow_value(depth)).collect();
        let comma = if self.rng.bool() || items.is_empty() { "" } else { "," };
        format!("[{}{comma}]", items.join(", "))
    }

    fn flow_value(&mut self, depth: usize) -> String {
        if depth < DEPTH && self.rng.u8(..4) == 0 {
            return self.flow(depth + 1);
        }
        match self.alias(false) {
            Some(alias) if self.rng.u8(..4) == 0 => alias,
            _ => self.flow_scalar(),
        }
    }

    fn flow_scalar(&mut self) -> String {
        loop {
            let scalar = self.scalar();
            if !scalar.contains(['\n', ' ']) && !scalar.is_empty() {
                return scalar;
            }
        }
    }

    /// Returns a scalar on one line. More than half of them are references.
    fn scalar(&mut self) -> String {
        let name = self.name();
        match self.rng.u8(..16) {
            0..6 => format!("os.environ/{name}"),
            6 => format!("'os.environ/{name}'"),
            7 => format!("\"os.environ/{name}\""),
            8 => format!("\"os.environ\\u002f{name}\""),
            9 => format!("!!str os.environ/{name}"),
            10 => format!("text os.environ/{name}"),
            11 => format!("' os.environ/{name}'"),
            12 => self.choose(&["1", "1.5", "true", "yes", "null", "~", "2001-01-01"]).to_owned(),
            13 => {
                self.choose(&["os.environ", "os.environ/", "a#b", "a:b", "http://x/y"]).to_owned()
            }
            14 => self.choose(&["''", "\"\"", "'it''s'", "\"\\\"\\x41\""]).to_owned(),
            _ => format!("Os.environ/{name}"),
        }
    }

    fn block_scalar(&mut self, indent: usize) -> String {
        let (name, inner) = (self.name(), " ".repeat(indent + 2));
        match self.rng.u8(..4) {
            0 => format!(" |-\n{inner}os.environ/{name}\n"),
            1 => format!(" >-\n{inner}os.environ/{name}\n\n"),
            2 => format!(" |-\n{inner}# os.environ/{name}\n{inner}k: os.environ/{name}\n"),
            _ => format!("\n{inner}os.environ/{name}\n"),
        }
    }

    fn name(&mut self) -> String {
        format!("{PREFIX}{}", self.rng.usize(..NAMES))
    }

    /// Adds an anchor to a scalar.
    fn anchor(&mut self, is_mapping: bool) -> String {
        match self.new_anchor() {
            Some(name) => {
                self.anchors.push((name.clone(), is_mapping));
                format!("&{name} ")
            }
            None => String::new(),
        }
    }

    /// Returns the name of an anchor that may be used after its value.
    fn new_anchor(&mut self) -> Option<String> {
        self.count += 1;
        (self.rng.u8(..3) == 0).then(|| format!("a{}", self.count))
    }

    fn alias(&mut self, of_mapping: bool) -> Option<String> {
        let fits = |(_, is_mapping): &&(String, bool)| *is_mapping || !of_mapping;
        let names: Vec<_> = self.anchors.iter().filter(fits).map(|(name, _)| name).collect();
        let name = names.get(self.rng.usize(..names.len().max(1)))?;
        Some(format!("*{name}"))
    }

    fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.rng.usize(..from.len())]
    }
}
