//! Servers of `tests/stack` that go away and come back. Whoever takes one away has to have it for itself.

use std::{path::Path, process::Command};

/// A server that was killed, and is started again when this ends, however the test ends.
pub(crate) struct Away(&'static str);

impl Away {
    pub(crate) async fn kill(server: &'static str) -> Self {
        let away = Self(server);
        tokio::task::spawn_blocking(move || stack("stop-one", server)).await.unwrap().unwrap();
        away
    }

    pub(crate) async fn end(self) {
        tokio::task::spawn_blocking(move || drop(self)).await.unwrap();
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        let started = stack("start-one", self.0);
        // A second panic would end the whole program, and with it what the first one says.
        assert!(std::thread::panicking() || started.is_ok(), "{started:?}");
    }
}

fn stack(command: &str, server: &str) -> Result<(), String> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/stack");
    let output = Command::new(program).args([command, server]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(said) }
}
