//! The flags of the program and the addresses it shows. It prints and starts nothing itself, and no password is shown.

use std::{net::SocketAddr, path::PathBuf};

use clap::Parser;
use jiff::civil::Date;
use peyvand_sandbox::SandboxConfig;

/// A stand-in for SAP S/4HANA, Salesforce and an SMS gateway of a Persian building-trade company. For demonstrations and tests.
#[derive(Parser)]
#[command(name = "peyvand-sandbox", version)]
pub(crate) struct Flags {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8181")]
    listen: SocketAddr,
    /// Listen beyond loopback too; whoever reaches the sandbox can then switch its faults.
    #[arg(long)]
    allow_remote: bool,
    /// SAP's user of HTTP Basic.
    #[arg(long, default_value = "PEYVAND")]
    user: String,
    /// SAP's password of HTTP Basic.
    #[arg(long, default_value = "welcome")]
    password: String,
    /// Salesforce's client of OAuth.
    #[arg(long, default_value = "peyvand")]
    client_id: String,
    /// The secret of Salesforce's client.
    #[arg(long, default_value = "secret-of-peyvand")]
    client_secret: String,
    /// The bearer token of the hook.
    #[arg(long, default_value = "token-of-peyvand")]
    hook_token: String,
    /// Note every new record in this file, on disk before it is answered.
    #[arg(long)]
    journal: Option<PathBuf>,
    /// The day the company lives on, as 2026-11-23; today when absent.
    #[arg(long)]
    today: Option<Date>,
}

impl Flags {
    /// The setting up that the flags ask for.
    pub(crate) fn into_config(self) -> SandboxConfig {
        let Flags { listen, allow_remote, user, password, client_id, client_secret, hook_token, .. } = self;
        SandboxConfig {
            listen,
            allow_remote,
            user,
            password,
            client_id,
            client_secret,
            hook_token,
            journal: self.journal,
            ..SandboxConfig::loopback(self.today.unwrap_or_else(|| jiff::Zoned::now().date()))
        }
    }
}

/// Where to find what, for whoever started the program.
pub(crate) fn addresses(base: &str, user: &str) -> String {
    let services = format!("{base}/sap/opu/odata/sap");
    let orders = format!("{services}/API_SALES_ORDER_SRV/A_SalesOrder");
    [
        format!("orders    {orders}"),
        format!("stock     {services}/API_MATERIAL_STOCK_SRV/A_MatlStkInAcctMod"),
        format!("products  {services}/API_PRODUCT_SRV/A_Product"),
        format!("token     {base}/services/oauth2/token"),
        format!("cases     {base}/services/data/v66.0/sobjects/Case"),
        format!("hook      {base}/hook/plain  {base}/hook/keyed"),
        format!("control   {base}/_sandbox/faults  {base}/_sandbox/requests"),
        format!("try       curl -u {user} '{orders}?$top=3&$format=json'"),
    ]
    .join("\n")
}
