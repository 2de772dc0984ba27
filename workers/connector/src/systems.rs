//! The systems of an installation: which one each target is, what can be asked of it and written to it. The only place that
//! knows all of them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use peyvand::{
    assistant::{Assistant, SystemKind, Target},
    bus::Producer,
    codec::Schemas,
    event::Operation,
    privacy::Sensitive,
    store::Store,
};
use tokio::{sync::Notify, sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    handler::{Connector, Route},
    relay::{Relay, Sweep},
    salesforce::Salesforce,
    sap::Sap,
    system::Writer,
    target::{TargetConfig, TargetError},
    webhook::Webhook,
};

/// One system, ready to be asked.
pub enum Client {
    /// SAP S/4HANA.
    Sap(Arc<Sap>),
    /// Salesforce.
    Salesforce(Salesforce),
    /// A webhook.
    Webhook(Arc<Webhook>),
}

impl Client {
    /// The client of a kind of system; nothing is asked yet.
    ///
    /// # Errors
    /// [`TargetError::Misconfigured`] when the address is none.
    pub fn new(kind: SystemKind, config: TargetConfig) -> Result<Self, TargetError> {
        Ok(match kind {
            SystemKind::SapS4 => Self::Sap(Arc::new(Sap::new(config)?)),
            SystemKind::Salesforce => Self::Salesforce(Salesforce::new(config)?),
            SystemKind::Webhook => Self::Webhook(Arc::new(Webhook::new(config)?)),
        })
    }

    /// Whether the system answers and accepts us. Nothing is changed there.
    ///
    /// # Errors
    /// [`TargetError`] says what is in the way.
    pub async fn ping(&self) -> Result<(), TargetError> {
        match self {
            Self::Sap(sap) => sap.ping().await,
            Self::Salesforce(salesforce) => salesforce.ping().await,
            Self::Webhook(webhook) => webhook.ping().await,
        }
    }

    /// What is written to it.
    fn writer(&self) -> Arc<dyn Writer> {
        match self {
            Self::Sap(sap) => Arc::new(sap.sales_orders()),
            Self::Salesforce(salesforce) => Arc::new(salesforce.cases()),
            Self::Webhook(webhook) => Arc::clone(webhook) as Arc<dyn Writer>,
        }
    }
}

/// The systems of the targets that the assistant's operations are done in.
pub struct Systems {
    sap: Arc<Sap>,
    sap_target: String,
    written: Vec<(TargetConfig, Arc<dyn Writer>)>,
}

impl Systems {
    /// The systems of an assistant, with the addresses and secrets of this installation.
    ///
    /// # Errors
    /// What is missing, and how to give it.
    pub fn new(
        assistant: &Assistant,
        url: impl Fn(&Target) -> Option<String>,
        secret: impl Fn(&str) -> Option<Sensitive<String>>,
    ) -> Result<Self, String> {
        if let Some(operation) = assistant.undone().first() {
            return Err(format!(
                "no target in targets/*.yaml can do {}; add one, or take out the intents that lead to it",
                operation.name()
            ));
        }
        let (mut sap, mut written) = (None, Vec::new());
        for target in &assistant.targets {
            let config = configure(target, url(target).as_deref(), &secret)?;
            let client = Client::new(target.system, config.clone()).map_err(|error| error.to_string())?;
            let writer = client.writer();
            if assistant.target_of(writer.operation()).is_some_and(|first| first.name == target.name) {
                written.push((config, writer));
            }
            if let (Client::Sap(client), None) = (client, &sap) {
                sap = Some((client, target.name.clone()));
            }
        }
        let (sap, sap_target) = sap.ok_or("the assistant has no SAP target in targets/*.yaml")?;
        Ok(Self { sap, sap_target, written })
    }

    /// The SAP that is asked.
    pub fn sap(&self) -> Arc<Sap> {
        Arc::clone(&self.sap)
    }

    /// Starts the relays, which write until they are told to stop, and gives the connector that keeps them busy.
    pub fn start(
        self,
        store: &Store,
        producer: &Arc<dyn Producer>,
        schemas: &Arc<Schemas>,
        shutdown: &CancellationToken,
    ) -> (Connector, JoinSet<()>) {
        let (mut relays, mut routes) = (JoinSet::new(), HashMap::<Operation, Route>::new());
        for (config, writer) in self.written {
            let (wake, (full, is_full)) = (Arc::new(Notify::new()), watch::channel(false));
            let route = Route { target: config.name.clone(), wake: Arc::clone(&wake), is_full };
            routes.insert(writer.operation(), route);
            let relay = Relay::new(&config, writer, store.clone(), Arc::clone(producer), Arc::clone(schemas));
            relays.spawn(relay.run(wake, full, shutdown.clone()));
        }
        relays.spawn(Sweep::new(store.clone(), Arc::clone(producer)).run(shutdown.clone()));
        (Connector::new(self.sap, self.sap_target, routes), relays)
    }
}

/// A target's configuration from the assistant folder and the installation's own settings.
///
/// # Errors
/// What is missing, and how to give it.
pub fn configure(
    target: &Target,
    url: Option<&str>,
    secret: impl Fn(&str) -> Option<Sensitive<String>>,
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
            "the secret of the target {name} is missing; give it in PEYVAND_SECRETS_{0} or in a file that \
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
        key_field: target.key_field.clone(),
        keeps_key: target.keeps_key,
        outbox_max: target.outbox_max,
        ..TargetConfig::new(name, base_url, &target.user, password)
    })
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

    #[test]
    fn an_operation_without_a_target_is_named_with_the_way_out() {
        let mut assistant = Assistant::shipped().unwrap();
        assistant.targets.retain(|target| target.system != SystemKind::Webhook);
        let url = |_: &Target| Some("http://h".to_owned());
        let problem = Systems::new(&assistant, url, |_| Some("p".to_owned().into())).err().unwrap();
        assert!(problem.contains("callback_request") && problem.contains("targets/"), "{problem}");
    }
}
