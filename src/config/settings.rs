//! Settings by name, from a file and from variables, with the mistakes made so far. It knows how a setting is written,
//! not what it means.

use std::{collections::BTreeMap, fs, path::Path};

use serde_norway::{Mapping, Value};

use super::Mistake;

const FILE_BYTES_MAX: u64 = 1 << 20;
/// The single settings; a variable is `PEYVAND_` and the name in capitals with `_` for `.`.
const NAMES: &[&str] = &[
    "tenant",
    "assistant",
    "kafka.brokers",
    "kafka.group_instance_id",
    "registry.url",
    "registry.user",
    "registry.password",
    "database.url",
    "database.password",
    "letters.key",
    "channels.listen",
    "health.listen",
    "utc_offset",
    "model",
    "understanding.embeddings.url",
    "understanding.embeddings.model",
    "understanding.embeddings.key",
    "understanding.chat.url",
    "understanding.chat.model",
    "understanding.chat.key",
    "understanding.below",
    "understanding.deadline_ms",
    "understanding.calls_max",
    "understanding.cache",
    "worker.letters_guard",
    "parked.records_max",
    "parked.bytes_max",
    "parked.conversation_records_max",
    "parked.conversation_bytes_max",
];
/// Variables that are no settings.
const OTHERS: &[&str] = &["PEYVAND_CONFIG", "PEYVAND_TEST_", "PEYVAND_STACK_"];

struct Setting {
    value: String,
    place: String,
}

pub(super) struct Settings {
    values: BTreeMap<String, Setting>,
    mistakes: Vec<Mistake>,
}

impl Settings {
    pub(super) fn read(file: Option<&Path>, variables: BTreeMap<String, String>) -> Self {
        let mut settings = Self { values: BTreeMap::new(), mistakes: Vec::new() };
        if let Some(file) = file {
            settings.read_file(file);
        }
        for (variable, value) in variables {
            settings.read_variable(&variable, value);
        }
        settings
    }

    /// Nothing was given, and so nothing can be wrong.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.mistakes.is_empty()
    }

    fn read_file(&mut self, file: &Path) {
        let place = file.display().to_string();
        let size = match fs::metadata(file) {
            Ok(about) => about.len(),
            Err(error) => return self.wrong(place, format!("cannot be read ({})", error.kind())),
        };
        if size > FILE_BYTES_MAX {
            return self.wrong(place, format!("is larger than {FILE_BYTES_MAX} bytes"));
        }
        let Ok(text) = fs::read_to_string(file) else {
            return self.wrong(place, "cannot be read as UTF-8 text".to_owned());
        };
        match serde_norway::from_str::<Option<Mapping>>(&text) {
            Ok(settings) => self.flatten("", settings.unwrap_or_default()),
            // The library's message may quote what stands in the file.
            Err(_) => self.wrong(place, "is not a YAML file of settings; see README.md".to_owned()),
        }
    }

    fn flatten(&mut self, above: &str, settings: Mapping) {
        for (key, value) in settings {
            let Value::String(key) = key else {
                self.wrong(above.to_owned(), "has a name that is not a text".to_owned());
                continue;
            };
            let name = if above.is_empty() { key } else { format!("{above}.{key}") };
            match value {
                Value::Mapping(inside) => self.flatten(&name, inside),
                Value::String(text) => self.take(&name, text, name.clone()),
                Value::Number(number) => match number.as_u64() {
                    Some(number) => self.take(&name, number.to_string(), name.clone()),
                    None => self.wrong(name, "write it in quotes".to_owned()),
                },
                Value::Bool(yes) => self.take(&name, yes.to_string(), name.clone()),
                Value::Sequence(_) | Value::Null | Value::Tagged(_) => {
                    self.wrong(name, "has to be a text".to_owned());
                }
            }
        }
    }

    fn read_variable(&mut self, variable: &str, value: String) {
        if OTHERS.iter().any(|other| variable.starts_with(other)) {
            return;
        }
        let bare = variable.strip_prefix("PEYVAND_").unwrap_or(variable);
        match name_of(bare.strip_suffix("_FILE").unwrap_or(bare)) {
            Some(name) if bare.ends_with("_FILE") => {
                self.take(&format!("{name}_file"), value, variable.to_owned())
            }
            Some(name) => self.take(&name, value, variable.to_owned()),
            None => self.wrong(variable.to_owned(), "is not a setting; see README.md".to_owned()),
        }
    }

    /// Any setting may stand in a file of its own: `<name>_file` says which.
    fn take(&mut self, name: &str, value: String, place: String) {
        let Some(name) = name.strip_suffix("_file") else {
            self.values.insert(name.to_owned(), Setting { value, place });
            return;
        };
        let path = Path::new(&value);
        match fs::metadata(path).map(|about| about.len()) {
            Ok(size) if size > FILE_BYTES_MAX => {
                self.wrong(place, "names a file that is too large".to_owned())
            }
            Ok(_) => match fs::read_to_string(path) {
                Ok(text) => {
                    let value = text.trim_end_matches(['\r', '\n']).to_owned();
                    self.values.insert(name.to_owned(), Setting { value, place });
                }
                Err(error) => {
                    self.wrong(place, format!("names a file that cannot be read ({})", error.kind()))
                }
            },
            Err(error) => self.wrong(place, format!("names a file that cannot be read ({})", error.kind())),
        }
    }

    fn wrong(&mut self, place: String, problem: String) {
        self.mistakes.push(Mistake { place, problem });
    }

    pub(super) fn optional(&mut self, name: &str) -> Option<String> {
        self.values.remove(name).map(|setting| setting.value).filter(|value| !value.is_empty())
    }

    pub(super) fn needed(&mut self, name: &str, what: &str) -> Option<String> {
        self.parsed(name, what, |text| Some(text.to_owned()))
    }

    pub(super) fn parsed<T>(
        &mut self,
        name: &str,
        what: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        match self.values.remove(name).filter(|setting| !setting.value.is_empty()) {
            None => {
                self.wrong(name.to_owned(), format!("is missing: {what} (or {})", variable_of(name)));
                None
            }
            Some(Setting { value, place }) => {
                let parsed = parse(value.trim());
                if parsed.is_none() {
                    self.wrong(place, format!("has to be {what}"));
                }
                parsed
            }
        }
    }

    pub(super) fn or<T: std::str::FromStr>(&mut self, name: &str, default: &str, what: &str) -> Option<T> {
        if !self.values.contains_key(name) {
            return default.parse().ok();
        }
        self.parsed(name, what, |text| text.parse().ok())
    }

    pub(super) fn maybe<T: std::str::FromStr>(&mut self, name: &str, what: &str) -> Option<T> {
        self.values.contains_key(name).then(|| self.parsed(name, what, |text| text.parse().ok())).flatten()
    }

    /// A number of one or more.
    pub(super) fn positive<T: std::str::FromStr + PartialOrd + From<u8>>(
        &mut self,
        name: &str,
        default: T,
    ) -> T {
        if !self.values.contains_key(name) {
            return default;
        }
        let parsed = self.parsed(name, "a whole number from 1 on", |text| {
            text.parse().ok().filter(|number| *number >= T::from(1))
        });
        parsed.unwrap_or(default)
    }

    /// On or off; with a mistake it does not matter which.
    pub(super) fn switch(&mut self, name: &str, default: bool) -> bool {
        if !self.values.contains_key(name) {
            return default;
        }
        let parsed = self.parsed(name, "on or off", |text| match text {
            "on" | "true" => Some(true),
            "off" | "false" => Some(false),
            _ => None,
        });
        parsed.unwrap_or(default)
    }

    /// Whether any setting below a name was given.
    pub(super) fn is_any_under(&self, name: &str) -> bool {
        self.values.keys().any(|key| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
    }

    /// The settings below a name.
    pub(super) fn under(&mut self, prefix: &str) -> BTreeMap<String, String> {
        let names: Vec<String> =
            self.values.keys().filter(|name| name.starts_with(prefix)).cloned().collect();
        names
            .into_iter()
            .filter_map(|name| {
                let setting = self.values.remove(&name)?;
                Some((name.strip_prefix(prefix)?.to_owned(), setting.value))
            })
            .collect()
    }

    pub(super) fn unknown(&mut self, name: &str) {
        self.wrong(variable_of(name), "is not a setting; see README.md".to_owned());
    }

    /// What is left is unknown; gives every mistake, in order.
    pub(super) fn finish(mut self) -> Vec<Mistake> {
        let left: Vec<String> = self.values.into_values().map(|setting| setting.place).collect();
        self.mistakes.extend(
            left.into_iter()
                .map(|place| Mistake { place, problem: "is not a setting; see README.md".to_owned() }),
        );
        self.mistakes.sort_by(|a, b| a.place.cmp(&b.place));
        self.mistakes
    }
}

fn variable_of(name: &str) -> String {
    format!("PEYVAND_{}", name.to_uppercase().replace('.', "_"))
}

/// The setting a variable names, `PEYVAND_` taken off.
fn name_of(bare: &str) -> Option<String> {
    if let Some(property) = bare.strip_prefix("KAFKA_PROPERTIES_") {
        return Some(format!("kafka.properties.{}", property.to_lowercase().replace('_', ".")));
    }
    if let Some(secret) = bare.strip_prefix("SECRETS_") {
        return Some(format!("secrets.{secret}"));
    }
    if let Some(target) = bare.strip_prefix("TARGETS_") {
        let name = target.to_lowercase();
        return Some(match name.strip_suffix("_base_url") {
            Some(target) => format!("targets.{target}.base_url"),
            None => format!("targets.{name}"),
        });
    }
    let name = NAMES.iter().find(|name| variable_of(name).strip_prefix("PEYVAND_") == Some(bare));
    name.map(|name| (*name).to_owned())
}
