//! The SAP stand-in as a program of its own. It reads flags, starts the library's server and waits for Ctrl-C; no more.

use std::{io::Write, net::SocketAddr, path::PathBuf};

use anyhow::Context;
use clap::Parser;
use jiff::civil::Date;
use peyvand_sandbox::{SandboxConfig, start};
use tokio::signal::unix::{SignalKind, signal};

/// A stand-in for SAP S/4HANA with a Persian building-trade company in it. For demonstrations and tests.
#[derive(Parser)]
#[command(name = "peyvand-sandbox", version)]
struct Flags {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8181")]
    listen: SocketAddr,
    /// Listen beyond loopback too; whoever reaches the sandbox can then switch its faults.
    #[arg(long)]
    allow_remote: bool,
    /// User of HTTP Basic.
    #[arg(long, default_value = "PEYVAND")]
    user: String,
    /// Password of HTTP Basic.
    #[arg(long, default_value = "welcome")]
    password: String,
    /// Note every new order in this file, on disk before it is answered.
    #[arg(long)]
    journal: Option<PathBuf>,
    /// The day the company lives on, as 2026-11-23; today when absent.
    #[arg(long)]
    today: Option<Date>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let Flags { listen, allow_remote, user, password, journal, today } = Flags::parse();
    let usual = SandboxConfig::loopback(today.unwrap_or_else(|| jiff::Zoned::now().date()));
    let try_it = format!("curl -u {user}");
    let config = SandboxConfig { listen, allow_remote, user, password, journal, ..usual };
    let sandbox = start(config).await?;
    let base = sandbox.base_url();
    let services = format!("{base}/sap/opu/odata/sap");
    let orders = format!("{services}/API_SALES_ORDER_SRV/A_SalesOrder");
    let lines = [
        format!("orders    {orders}"),
        format!("stock     {services}/API_MATERIAL_STOCK_SRV/A_MatlStkInAcctMod"),
        format!("products  {services}/API_PRODUCT_SRV/A_Product"),
        format!("control   {base}/_sandbox/faults  {base}/_sandbox/requests"),
        format!("try       {try_it} '{orders}?$top=3&$format=json'"),
    ];
    writeln!(std::io::stdout(), "{}\nCtrl-C stops it.", lines.join("\n"))?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    tokio::select! { _ = tokio::signal::ctrl_c() => {}, _ = terminate.recv() => {} }
    sandbox.shutdown().await;
    Ok(())
}
