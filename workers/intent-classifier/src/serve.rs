//! The intent-classifier as a process of its own, and the product names it takes from the database.

use std::{sync::Arc, time::Duration};

use peyvand::{
    event::TenantId,
    process::{Cluster, ProcessError},
    store::Store,
};
use tokio_util::sync::CancellationToken;

use crate::{
    IntentClassifier, Lexicon, StartError,
    understand::{
        Understanding,
        catalogue::{Catalogue, model_of},
    },
};

/// How often the product names are read again, and how often while there are none.
const READ_EACH: Duration = Duration::from_secs(60);
const READ_FIRST: Duration = Duration::from_secs(2);

/// Works until the process is told to stop.
///
/// # Errors
/// [`ProcessError`] when the assistant's examples cannot be learned or the log ends.
pub async fn serve(cluster: Arc<Cluster>) -> Result<(), ProcessError> {
    let start = |problem: String| ProcessError::Start(problem);
    let lexicon = Lexicon::new(&[]).map_err(|error| start(error.to_string()))?;
    let tenant = cluster.config.tenant.clone();
    let known = read(&lexicon, &cluster.store, &tenant).await;
    let understanding = understanding(&cluster).map_err(|error| start(error.to_string()))?;
    let preparing = tokio::spawn(understanding.clone().prepare_patiently(cluster.shutdown.clone()));
    let classifier = IntentClassifier::with(
        Arc::clone(&cluster.assistant),
        understanding,
        lexicon.clone(),
        cluster.config.utc_offset,
    );
    let renewing =
        tokio::spawn(renew_products(lexicon, cluster.store.clone(), tenant, known, cluster.shutdown.clone()));
    let worked = cluster.work(classifier).await;
    renewing.abort();
    preparing.abort();
    worked
}

/// What understands messages, as the settings want it. No server is asked yet.
fn understanding(cluster: &Cluster) -> Result<Understanding, StartError> {
    let config = &cluster.config;
    let model = model_of(&cluster.assistant, config.assistant.as_deref(), config.model.as_deref())?;
    Ok(Understanding::new(model, &Catalogue::of(&cluster.assistant), &config.understanding)?)
}

/// Reads the product names again and again, so that new products are known without a restart.
pub async fn renew_products(
    lexicon: Lexicon,
    store: Store,
    tenant: TenantId,
    mut known: bool,
    shutdown: CancellationToken,
) {
    loop {
        let pause = if known { READ_EACH } else { READ_FIRST };
        if shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
        known = read(&lexicon, &store, &tenant).await || known;
    }
}

/// Whether there are any.
async fn read(lexicon: &Lexicon, store: &Store, tenant: &TenantId) -> bool {
    let problem = match store.products(tenant).await {
        Ok(products) if products.is_empty() => return false,
        Ok(products) => match lexicon.renew(&products) {
            Ok(()) => return true,
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    };
    tracing::warn!("the product names could not be read: {problem}; the earlier ones stay");
    false
}
