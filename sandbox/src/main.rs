//! The stand-in as a program of its own. It reads flags, starts the library's server and waits for Ctrl-C; no more.

mod flags;

use std::io::Write;

use anyhow::Context;
use clap::Parser;
use peyvand_sandbox::start;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let config = flags::Flags::parse().into_config();
    let user = config.user.clone();
    let sandbox = start(config).await?;
    writeln!(std::io::stdout(), "{}\nCtrl-C stops it.", flags::addresses(&sandbox.base_url(), &user))?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    tokio::select! { _ = tokio::signal::ctrl_c() => {}, _ = terminate.recv() => {} }
    sandbox.shutdown().await;
    Ok(())
}
