//! The connector as a process of its own, and the product names it brings from the ERP for the classifier.

use std::{pin::pin, sync::Arc, time::Duration};

use peyvand::{
    assistant::{SystemKind, Target},
    event::TenantId,
    language::slots::ProductName,
    process::{Cluster, ProcessError},
    store::Store,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{Connector, Relay, sap::Sap, system::System, target::TargetConfig};

/// How often the product names are fetched, and how soon again when that failed.
const FETCH_EACH: Duration = Duration::from_secs(15 * 60);
/// How long the relay may take to end. It waits for the database and the log as long as it takes, and they may be away.
const RELAY_ENDS_WITHIN: Duration = Duration::from_secs(12);
const FETCH_AGAIN: Duration = Duration::from_secs(30);

/// Works until the process is told to stop.
///
/// # Errors
/// [`ProcessError`] when no target can be asked or the log ends.
pub async fn serve(cluster: Arc<Cluster>) -> Result<(), ProcessError> {
    let config = target(&cluster)?;
    let name = config.name.clone();
    let sap = Sap::new(config.clone()).map_err(|error| ProcessError::Start(error.to_string()))?;
    let sap = Arc::new(sap);
    let (tenant, store) = (cluster.config.tenant.clone(), cluster.store.clone());
    let fetching = tokio::spawn(keep_products(Arc::clone(&sap), store, tenant, cluster.shutdown.clone()));
    let relay = Relay::new(
        &config,
        Arc::clone(&sap) as Arc<dyn System>,
        cluster.store.clone(),
        cluster.bus.producer(),
        Arc::clone(&cluster.schemas),
    );
    let wake = Arc::new(Notify::new());
    let mut relaying = tokio::spawn(relay.run(Arc::clone(&wake), cluster.shutdown.clone()));
    let mut working = pin!(cluster.work(Connector::new(sap, name, wake)));
    let worked = tokio::select! {
        worked = &mut working => worked,
        // Told to stop, the relay may be the first to end: records under way still have their time. Otherwise writes would
        // be noted and never sent, so a supervisor has to start the process again.
        ended = &mut relaying => match cluster.shutdown.is_cancelled() {
            true => working.await,
            false => Err(ProcessError::Ended(format!("the relay of the outbox ({ended:?})"))),
        },
    };
    fetching.abort();
    cluster.shutdown.cancel();
    if !relaying.is_finished() && tokio::time::timeout(RELAY_ENDS_WITHIN, relaying).await.is_err() {
        tracing::warn!(
            "the relay was still waiting for the database or the log at the end; its entries stay in doubt"
        );
    }
    worked
}

/// The assistant's SAP, with the address and the password of this installation.
///
/// # Errors
/// [`ProcessError::Start`] says which setting is missing.
pub fn target(cluster: &Cluster) -> Result<TargetConfig, ProcessError> {
    let targets = &cluster.assistant.targets;
    let Some(target) = targets.iter().find(|target| target.system == SystemKind::SapS4) else {
        return Err(ProcessError::Start("the assistant has no SAP target in targets/*.yaml".to_owned()));
    };
    let config = &cluster.config;
    configure(target, config.target_urls.get(&target.name).map(String::as_str), |secret| {
        config.secrets.get(secret).cloned()
    })
    .map_err(ProcessError::Start)
}

/// A target's configuration from the assistant folder and the installation's own settings.
///
/// # Errors
/// What is missing, and how to give it.
pub fn configure(
    target: &Target,
    url: Option<&str>,
    secret: impl Fn(&str) -> Option<peyvand::privacy::Sensitive<String>>,
) -> Result<TargetConfig, String> {
    let name = &target.name;
    let base_url = match url {
        Some(url) => url,
        None if target.is_sandbox() => {
            return Err(format!(
                "the target {name} is the sandbox of `peyvand up`; set its address in targets.{name}.base_url \
                 (PEYVAND_TARGETS_{}_BASE_URL)",
                name.to_uppercase()
            ));
        }
        None => &target.base_url,
    };
    let Some(password) = secret(&target.password_secret) else {
        return Err(format!(
            "the password of the target {name} is missing; give it in PEYVAND_SECRETS_{0} or in a file that \
             PEYVAND_SECRETS_{0}_FILE names",
            target.password_secret
        ));
    };
    Ok(TargetConfig {
        deadline: Duration::from_millis(target.deadline_ms),
        in_flight_max: target.in_flight_max,
        visible_within: Duration::from_millis(target.visible_within_ms),
        works_for: Duration::from_millis(target.works_for_ms),
        sales_area: target.sales_area.clone(),
        ..TargetConfig::new(name, base_url, &target.user, password)
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        serde_json::from_value(serde_json::json!({
            "name": "sap", "system": "sap_s4", "base_url": "sandbox", "user": "U",
            "password_secret": "SAP_PASSWORD", "deadline_ms": 700, "in_flight_max": 3,
        }))
        .unwrap()
    }

    #[test]
    fn a_target_without_address_or_password_says_how_to_give_them() {
        let none = configure(&target(), None, |_| None).unwrap_err();
        assert!(none.contains("PEYVAND_TARGETS_SAP_BASE_URL"), "{none}");
        let none = configure(&target(), Some("http://h"), |_| None).unwrap_err();
        assert!(none.contains("PEYVAND_SECRETS_SAP_PASSWORD_FILE"), "{none}");
    }

    #[test]
    fn the_limits_of_the_assistant_folder_are_kept() {
        let config = configure(&target(), Some("http://h"), |_| Some("p".to_owned().into())).unwrap();
        assert_eq!((config.deadline, config.in_flight_max), (Duration::from_millis(700), 3));
    }
}
