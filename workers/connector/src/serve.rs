//! The connector as a process of its own, and the product names it brings from the ERP for the classifier.

use std::{sync::Arc, time::Duration};

use peyvand::{
    event::TenantId,
    language::slots::ProductName,
    process::{Cluster, ProcessError},
    store::Store,
};
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
    let mut working = std::pin::pin!(cluster.work(connector));
    let worked = tokio::select! {
        worked = &mut working => worked,
        // Told to stop, the relays may be the first to end; records under way have their time all the same.
        Some(ended) = relays.join_next() => {
            let told = cluster.shutdown.is_cancelled();
            cluster.shutdown.cancel();
            let worked = working.await;
            // Without it writes would be noted and never sent; a supervisor starts the process again.
            if told { worked } else { worked.and(Err(ProcessError::Ended(format!("a relay of the outbox ({ended:?})")))) }
        }
    };
    fetching.abort();
    cluster.shutdown.cancel();
    let ended = async { while relays.join_next().await.is_some() {} };
    if tokio::time::timeout(RELAYS_END_WITHIN, ended).await.is_err() {
        tracing::warn!(
            "the relays were still waiting for the database or the log at the end; their entries stay in doubt"
        );
    }
    worked
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
