//! Finds and reads the project's files, and tells product code from tests.

use super::scan;
use std::fs;
use std::path::Path;

/// A Rust file: its path from the root with `/`, its text, and its product code.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
    /// The text with comments and the insides of literals blanked, line by line the same.
    pub(crate) code: String,
    /// Only tests are in it.
    pub(crate) is_test: bool,
}

impl File {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code: scan::code_only(text),
            is_test: path.starts_with("tests/")
                || path.starts_with("benches/")
                || path.contains("/tests/")
                || path.contains("/benches/")
                || path.ends_with("/tests.rs"),
        }
    }
}

/// What git does not keep. `data` is so only at the root.
const SKIPPED: &[&str] = &["target", "node_modules", ".git"];

fn walk(folder: &Path, found: &mut Vec<(String, String)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if SKIPPED.contains(&name.as_str()) || path == root().join("data") || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            walk(&path, found);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let inside = path.strip_prefix(root()).unwrap_or(&path);
            found.push((inside.to_string_lossy().replace('\\', "/"), text));
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file that is text, with its path from the root.
pub(crate) fn every_text_file() -> Vec<(String, String)> {
    let mut found = Vec::new();
    walk(root(), &mut found);
    assert!(found.len() > 10, "found only {} files: the walk is broken", found.len());
    found
}

/// The text files with one of these extensions ("" is none, as scripts have).
pub(crate) fn files(extensions: &[&str]) -> Vec<(String, String)> {
    let wanted = |path: &str| {
        let extension = Path::new(path).extension().unwrap_or_default().to_string_lossy().into_owned();
        extensions.contains(&extension.as_str())
    };
    every_text_file().into_iter().filter(|(path, _)| wanted(path)).collect()
}

/// Every Rust file.
pub(crate) fn rust() -> Vec<File> {
    files(&["rs"]).iter().map(|(path, text)| File::new(path, text)).collect()
}

/// The Rust files of the product, without the test modules inside them.
pub(crate) fn product() -> Vec<File> {
    let mut all = rust();
    all.retain(|file| !file.is_test);
    for file in &mut all {
        file.code = scan::without_tests(&file.code);
    }
    all
}

/// `src/bus` holds `src/bus.rs` and `src/bus/kafka.rs`, not `src/busy.rs`.
pub(crate) fn in_room(path: &str, room: &str) -> bool {
    path.strip_prefix(room).is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
}

pub(crate) fn text_of(path: &str) -> Option<String> {
    fs::read_to_string(root().join(path)).ok()
}
