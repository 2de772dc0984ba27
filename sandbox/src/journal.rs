//! What was truly written, as evidence for whoever judges from outside: one line a record, on disk before the answer goes
//! out, so that it outlives every fault and every process.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::{Mutex, PoisonError},
};

use serde_json::json;

use crate::system::System;

/// A file that only grows; without a file nothing is noted.
#[derive(Debug, Default)]
pub(crate) struct Journal(Option<Mutex<File>>);

impl Journal {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        OpenOptions::new().create(true).append(true).open(path).map(|file| Self(Some(Mutex::new(file))))
    }

    /// Notes a new record with the client's own reference, through to the disk.
    pub(crate) fn note(&self, system: System, number: &str, reference: &str) {
        let Some(file) = &self.0 else { return };
        let line = json!({"system": system.name(), "number": number, "reference": reference});
        // In one piece: whoever reads meanwhile never sees half a line.
        let line = format!("{line}\n");
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(line.as_bytes()).and_then(|()| file.sync_data()) {
            tracing::error!(%error, "a record could not be noted in the journal");
        }
    }
}
