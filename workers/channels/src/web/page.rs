//! The chat page: three files that are part of the program. No script stands in the HTML, so the policy forbids them.

use axum::Router;
use axum::http::header;
use axum::routing::get;

use super::set;

const HTML: &str = include_str!("../../page/index.html");
const CSS: &str = include_str!("../../page/app.css");
const JS: &str = include_str!("../../page/app.js");
const ICON: &str = include_str!("../../page/icon.svg");
const SAMPLES: &str = "<!-- samples -->";
const BYTES_MAX: &str = "{bytes_max}";
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page's own routes.
pub(super) fn router(sample_sentences: &[String], text_bytes_max: usize) -> Router {
    let html = with_samples(sample_sentences).replace(BYTES_MAX, &text_bytes_max.to_string());
    let file = |kind: &'static str, text: &'static str| {
        get(move || async move { ([(header::CONTENT_TYPE, kind)], text) })
    };
    Router::new()
        .route("/", get(move || async move { ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html) }))
        .route("/app.css", file("text/css; charset=utf-8", CSS))
        .route("/app.js", file("text/javascript; charset=utf-8", JS))
        .route("/icon.svg", file("image/svg+xml", ICON))
        .layer(set(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(set(header::CACHE_CONTROL, "no-cache"))
}

fn with_samples(sentences: &[String]) -> String {
    let buttons: String = sentences
        .iter()
        .map(|text| {
            format!("<button type=\"button\" class=\"sample\" dir=\"auto\">{}</button>\n", escaped(text))
        })
        .collect();
    HTML.replace(SAMPLES, &buttons)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_sentence_cannot_become_markup() {
        let html = with_samples(&["<script>\"x\"&".to_owned()]);
        assert!(html.contains("&lt;script&gt;&quot;x&quot;&amp;</button>"));
        assert!(!html.contains("<script>"));
    }
}
