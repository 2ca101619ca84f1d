//! Resolution of `os.environ/NAME` references.

use super::Reader;
use super::raw_setting::{ListItems, Origin, RawSetting};
use crate::problem::SettingSource;
use crate::source::yaml::keys::REFERENCE_PREFIX;
use crate::source::yaml::{Node, Value};
use crate::text::is_variable_name;

impl Reader<'_> {
    /// Resolves a value of the file. Returns `None` if it is null, or if it refers to a variable
    /// that is not set, which is a problem.
    pub(crate) fn resolve(
        &mut self,
        source: SettingSource,
        value: Value,
        items: ListItems,
    ) -> Option<RawSetting> {
        match value {
            Value::Null => None,
            Value::Text(text) => match text.strip_prefix(REFERENCE_PREFIX) {
                None => Some(RawSetting { source, value: Value::Text(text), origin: Origin::File }),
                Some(name) => {
                    let value = Value::Text(self.referenced(&source, name)?);
                    Some(RawSetting { source, value, origin: Origin::Reference })
                }
            },
            Value::List(list) if items == ListItems::Resolve => self.resolve_items(source, list),
            value => Some(RawSetting { source, value, origin: Origin::File }),
        }
    }

    fn resolve_items(&mut self, source: SettingSource, items: Vec<Node>) -> Option<RawSetting> {
        let (mut origin, mut resolved) = (Origin::File, Vec::with_capacity(items.len()));
        for Node { line, value } in items {
            let value = match value {
                Value::Text(text) if text.starts_with(REFERENCE_PREFIX) => {
                    let item_source = source.clone().with_line(line);
                    let item = self.resolve(item_source, Value::Text(text), ListItems::Keep)?;
                    origin = item.origin;
                    item.value
                }
                value => value,
            };
            resolved.push(Node { line, value });
        }
        Some(RawSetting { source, value: Value::List(resolved), origin })
    }

    fn referenced(&mut self, source: &SettingSource, name: &str) -> Option<String> {
        if !self.is_defined(name) {
            let name = if is_variable_name(name) { name } else { "of that name" };
            let message = format!("refers to the variable {name}, which is not set");
            let hint = "set the variable, or write the value here";
            self.diagnostics.problem(source.clone(), message, hint);
        }
        self.variable(name)
    }
}
