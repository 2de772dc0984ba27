//! What was truly written, as evidence for whoever judges from outside: one line an order, on disk before the answer goes
//! out, so that it outlives every fault and every process.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::{Mutex, PoisonError},
};

use serde_json::json;

/// A file that only grows.
#[derive(Debug)]
pub(crate) struct Journal(Mutex<File>);

impl Journal {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        OpenOptions::new().create(true).append(true).open(path).map(|file| Self(Mutex::new(file)))
    }

    /// Notes a new order with the customer's reference, through to the disk.
    pub(crate) fn note(&self, order: &str, reference: &str) -> io::Result<()> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(file, "{}", json!({"order": order, "reference": reference}))?;
        file.sync_data()
    }
}
