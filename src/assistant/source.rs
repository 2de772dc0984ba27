//! The text of an assistant, from a folder or from the program itself.

use std::fs;
use std::path::Path;

use super::error::{AssistantError, AssistantErrors};

const FILE_BYTES_MAX: u64 = 1024 * 1024;
const FILES_MAX: usize = 256;
const OUT_OF_SCOPE: &str = "out_of_scope.txt";

/// The Fluent texts of the replies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replies {
    /// Persian.
    pub fa: String,
    /// English.
    pub en: String,
}

/// One file: its name inside the assistant folder and its text.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) text: String,
}

pub(super) struct Sources {
    pub(super) intents: Vec<Source>,
    pub(super) targets: Vec<Source>,
    pub(super) replies: Replies,
    /// Sentences that belong to none of the intents; an assistant may do without.
    pub(super) out_of_scope: Option<Source>,
}

macro_rules! embedded {
    ($name:literal) => {
        Source { name: $name.to_owned(), text: include_str!(concat!("../../assistant/", $name)).to_owned() }
    };
}

impl Sources {
    pub(super) fn shipped() -> Self {
        Self {
            intents: vec![
                embedded!("intents/account.yaml"),
                embedded!("intents/history.yaml"),
                embedded!("intents/invoices.yaml"),
                embedded!("intents/new_orders.yaml"),
                embedded!("intents/order_changes.yaml"),
                embedded!("intents/orders.yaml"),
                embedded!("intents/purchasing.yaml"),
                embedded!("intents/sales.yaml"),
                embedded!("intents/service.yaml"),
                embedded!("intents/smalltalk.yaml"),
                embedded!("intents/staff.yaml"),
                embedded!("intents/stock.yaml"),
            ],
            targets: vec![
                embedded!("targets/crm.yaml"),
                embedded!("targets/desk.yaml"),
                embedded!("targets/sap.yaml"),
            ],
            replies: Replies {
                fa: include_str!("../../assistant/replies/fa.ftl").to_owned(),
                en: include_str!("../../assistant/replies/en.ftl").to_owned(),
            },
            out_of_scope: Some(embedded!("out_of_scope.txt")),
        }
    }

    pub(super) fn read(dir: &Path) -> Result<Self, AssistantErrors> {
        let mut errors = Vec::new();
        let sources = Self {
            intents: folder(dir, "intents", &mut errors),
            targets: folder(dir, "targets", &mut errors),
            replies: Replies {
                fa: file(dir, "replies/fa.ftl", &mut errors),
                en: file(dir, "replies/en.ftl", &mut errors),
            },
            out_of_scope: dir.join(OUT_OF_SCOPE).exists().then(|| {
                let text = file(dir, OUT_OF_SCOPE, &mut errors);
                Source { name: OUT_OF_SCOPE.to_owned(), text }
            }),
        };
        // Mistakes inside the readable files are worth knowing in the same breath.
        if !errors.is_empty() {
            let mut warnings = Vec::new();
            super::intent::check(&sources.intents, &mut errors, &mut warnings);
            super::target::check(&sources.targets, &mut errors);
            return Err(AssistantErrors(errors));
        }
        Ok(sources)
    }
}

/// The YAML files of a folder in the order of their names.
fn folder(dir: &Path, name: &str, errors: &mut Vec<AssistantError>) -> Vec<Source> {
    let entries = match fs::read_dir(dir.join(name)) {
        Ok(entries) => entries,
        Err(error) => {
            errors.push(AssistantError::new(
                name,
                None,
                format!("the folder cannot be read ({})", error.kind()),
            ));
            return Vec::new();
        }
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|file| !file.starts_with('.') && (file.ends_with(".yaml") || file.ends_with(".yml")))
        .map(|file| format!("{name}/{file}"))
        .take(FILES_MAX + 1)
        .collect();
    names.sort();
    if names.is_empty() || names.len() > FILES_MAX {
        let problem = format!("the folder needs 1 to {FILES_MAX} files that end in .yaml");
        errors.push(AssistantError::new(name, None, problem));
        names.clear();
    }
    let mut sources = Vec::with_capacity(names.len());
    for name in names {
        let text = file(dir, &name, errors);
        sources.push(Source { name, text });
    }
    sources
}

fn file(dir: &Path, name: &str, errors: &mut Vec<AssistantError>) -> String {
    let path = dir.join(name);
    let problem = match fs::metadata(&path) {
        Err(error) => format!("the file cannot be read ({})", error.kind()),
        Ok(meta) if !meta.is_file() => "this is no file".to_owned(),
        Ok(meta) if meta.len() > FILE_BYTES_MAX => format!("the file is larger than {FILE_BYTES_MAX} bytes"),
        Ok(_) => match fs::read_to_string(&path) {
            Ok(text) => return text,
            Err(error) => format!("the file cannot be read as UTF-8 text ({})", error.kind()),
        },
    };
    errors.push(AssistantError::new(name, None, problem));
    String::new()
}
