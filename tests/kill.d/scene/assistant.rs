//! The assistant folder of a scene.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::Hook;

/// The shipped assistant with systems that have less time, so that a lost answer is noticed soon.
pub(super) fn assistant(folder: &Path, hook: Hook) -> PathBuf {
    let keeps_key = match hook {
        Hook::KeepsKeys => "keeps_key: true",
        Hook::Forgets => "keeps_key: false",
    };
    let own = folder.join("assistant");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assistant");
    for room in ["intents", "replies", "targets"] {
        fs::create_dir_all(own.join(room)).unwrap();
        for file in fs::read_dir(shipped.join(room)).unwrap() {
            let file = file.unwrap();
            let text = fs::read_to_string(file.path()).unwrap();
            let text = text
                .replace("deadline_ms: 5000", "deadline_ms: 1000")
                .replace("visible_within_ms: 2000", "visible_within_ms: 200")
                .replace("works_for_ms: 10000", "works_for_ms: 5000")
                .replace("keeps_key: false", keeps_key);
            fs::write(own.join(room).join(file.file_name()), text).unwrap();
        }
    }
    own
}
