//! The reply worker: turns decisions and results into words in the person's language. It asks no system and decides nothing.

pub mod render;

mod handler;

use std::sync::Arc;

use peyvand::process::{Cluster, ProcessError};

pub use handler::Reply;

/// Works until the process is told to stop.
///
/// # Errors
/// [`ProcessError`] when the assistant's replies are wrong or the log ends.
pub async fn serve(cluster: Arc<Cluster>) -> Result<(), ProcessError> {
    let renderer = render::Renderer::new(&cluster.assistant.replies);
    let renderer = renderer.map_err(|error| ProcessError::Start(error.to_string()))?;
    cluster.work(Reply::new(renderer)).await
}
