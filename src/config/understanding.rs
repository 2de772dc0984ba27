//! The settings of the servers behind the built-in classifier. Without one, nothing leaves the house.

use std::{path::PathBuf, time::Duration};

use super::{http_address, settings::Settings};
use crate::privacy::Sensitive;

/// How messages are understood.
#[derive(Clone, Debug)]
pub struct UnderstandingConfig {
    /// A server of embeddings.
    pub embeddings: Option<BackendConfig>,
    /// A server of a language model.
    pub chat: Option<BackendConfig>,
    /// The confidence of the built-in classifier below which a server is asked.
    pub below: f32,
    /// How long a message may wait for the servers, both together; half of what is left is kept for the second.
    pub deadline: Duration,
    /// How many messages may wait for the servers at once.
    pub calls_max: usize,
    /// The folder that keeps the catalogue's vectors, so that a restart does not ask for them.
    pub cache: Option<PathBuf>,
}

impl Default for UnderstandingConfig {
    fn default() -> Self {
        Self {
            embeddings: None,
            chat: None,
            below: 0.85,
            deadline: Duration::from_millis(1_500),
            calls_max: 8,
            cache: None,
        }
    }
}

/// A server that speaks as OpenAI's does.
#[derive(Clone, Debug)]
pub struct BackendConfig {
    /// Its address, what stands before `/v1`.
    pub url: String,
    /// The name of the model it is to use.
    pub model: String,
    /// What it lets us in with.
    pub key: Option<Sensitive<String>>,
}

pub(super) fn understanding(settings: &mut Settings) -> UnderstandingConfig {
    let UnderstandingConfig { below, deadline, calls_max, .. } = UnderstandingConfig::default();
    let deadline_ms = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
    UnderstandingConfig {
        embeddings: backend(settings, "understanding.embeddings"),
        chat: backend(settings, "understanding.chat"),
        below: share(settings, "understanding.below", below),
        deadline: Duration::from_millis(settings.positive("understanding.deadline_ms", deadline_ms)),
        calls_max: usize::from(settings.positive("understanding.calls_max", calls_max as u16)),
        cache: settings.optional("understanding.cache").map(PathBuf::from),
    }
}

/// A server is set when anything of it is.
fn backend(settings: &mut Settings, name: &str) -> Option<BackendConfig> {
    if !settings.is_any_under(name) {
        return None;
    }
    let url =
        settings.parsed(&format!("{name}.url"), "its http(s) address, what stands before /v1", http_address);
    let model = settings.needed(&format!("{name}.model"), "the name of the model the server is to use");
    let key = settings.optional(&format!("{name}.key")).map(Sensitive::new);
    Some(BackendConfig { url: url?, model: model?, key })
}

fn share(settings: &mut Settings, name: &str, default: f32) -> f32 {
    let text = default.to_string();
    let what = "a number from 0 to 1, in quotes";
    let share: Option<Share> = settings.or(name, &text, what);
    share.map_or(default, |Share(share)| share)
}

struct Share(f32);

impl std::str::FromStr for Share {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        text.parse().ok().filter(|share| (0.0..=1.0).contains(share)).map(Self).ok_or(())
    }
}
