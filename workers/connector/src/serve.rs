//! The connector as a process of its own, and the product names it brings from the ERP for the classifier.

use std::{sync::Arc, time::Duration};

use peyvand::{
    event::TenantId,
    language::slots::ProductName,
    process::{Cluster, ProcessError},
    store::Store,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{Systems, sap::Sap};

/// How often the product names are fetched, and how soon again when that failed.
const FETCH_EACH: Duration = Duration::from_secs(15 * 60);
const FETCH_AGAIN: Duration = Duration::from_secs(30);
/// How long the relays may take to end. They wait for the database and the log as long as it takes, and these may be away.
const RELAYS_END_WITHIN: Duration = Duration::from_secs(12);

/// Works until the process is told to stop.
///
/// # Errors
/// [`ProcessError`] when a target cannot be asked or the log ends.
pub async fn serve(cluster: Arc<Cluster>) -> Result<(), ProcessError> {
    let config = &cluster.config;
    let systems = Systems::new(
        &cluster.assistant,
        |target| config.target_urls.get(&target.name).cloned(),
        |secret| config.secrets.get(secret).cloned(),
    )
    .map_err(ProcessError::Start)?;
    let (tenant, store) = (config.tenant.clone(), cluster.store.clone());
    let fetching = tokio::spawn(keep_products(systems.sap(), store, tenant, cluster.shutdown.clone()));
    let producer = cluster.bus.producer();
    let (connector, mut relays) =
        systems.start(&cluster.store, &producer, &cluster.schemas, &cluster.shutdown);
    let working = async {
        let worked = cluster.work(connector).await;
        cluster.shutdown.cancel();
        worked
    };
    // Side by side: told to stop, records under way have their time, and so have calls to systems.
    let (worked, relayed) = tokio::join!(working, watch(&mut relays, &cluster.shutdown));
    fetching.abort();
    worked.and(relayed)
}

/// Waits until all relays have ended. One that ends unasked stops the worker: writes would be noted and never sent, and a
/// supervisor starts the process again.
async fn watch(relays: &mut JoinSet<()>, shutdown: &CancellationToken) -> Result<(), ProcessError> {
    let mut unasked = Ok(());
    let all = async {
        while let Some(ended) = relays.join_next().await {
            if !shutdown.is_cancelled() {
                unasked = Err(ProcessError::Ended(format!("a relay of the outbox ({ended:?})")));
                shutdown.cancel();
            }
        }
    };
    let too_long = async {
        shutdown.cancelled().await;
        tokio::time::sleep(RELAYS_END_WITHIN).await;
    };
    tokio::select! {
        () = all => {}
        () = too_long => tracing::warn!(
            "the relays were still waiting for the database or the log at the end; their entries stay in doubt"
        ),
    }
    unasked
}

/// Brings the ERP's product names into the database again and again, so that the classifier knows them also while the
/// ERP is away.
pub async fn keep_products(sap: Arc<Sap>, store: Store, tenant: TenantId, shutdown: CancellationToken) {
    loop {
        let next = match fetch_products(&sap, &store, &tenant).await {
            Ok(()) => FETCH_EACH,
            Err(problem) => {
                tracing::warn!(
                    "the product names could not be renewed: {problem}; trying again in 30 seconds"
                );
                FETCH_AGAIN
            }
        };
        if shutdown.run_until_cancelled(tokio::time::sleep(next)).await.is_none() {
            return;
        }
    }
}

/// Brings the ERP's product names into the database once.
///
/// # Errors
/// Which of the two could not be used.
pub async fn fetch_products(sap: &Sap, store: &Store, tenant: &TenantId) -> Result<(), String> {
    let products = sap.products().await.map_err(|error| error.to_string())?;
    let names: Vec<ProductName> = products
        .into_iter()
        .map(|product| ProductName {
            names: [product.name_fa, product.name_en].into_iter().flatten().collect(),
            sku: product.sku,
        })
        .collect();
    store.keep_products(tenant, &names).await.map_err(|error| error.to_string())
}
