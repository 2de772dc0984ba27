//! The page's files and what the browser is told about them.

use super::{Site, config};
use peyvand_channels::web::WebConfig;

#[tokio::test]
async fn the_page_comes_with_a_policy_that_allows_no_foreign_and_no_inline_script() {
    let site = Site::start().await;
    for (path, kind) in [
        ("/", "text/html"),
        ("/app.css", "text/css"),
        ("/app.js", "text/javascript"),
        ("/icon.svg", "image/svg"),
    ] {
        let response = reqwest::get(site.url(path)).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let headers = response.headers().clone();
        assert!(headers["content-type"].to_str().unwrap().starts_with(kind), "{path}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "no-referrer");
    }
}

#[tokio::test]
async fn the_page_has_its_test_ids_and_no_inline_script_or_style() {
    let site = Site::start().await;
    let html = reqwest::get(site.url("/")).await.unwrap().text().await.unwrap();
    for id in ["log", "text", "send", "state"] {
        assert!(html.contains(&format!("id=\"{id}\"")), "{id}");
    }
    assert_eq!(html.matches("<script").count(), html.matches("<script src=").count());
    assert!(!html.contains("<style") && !html.contains(" style=") && !html.contains(" onclick="));
}

#[tokio::test]
async fn the_page_offers_the_configured_sentences() {
    let site = Site::with(WebConfig { sample_sentences: vec!["یک <b> نمونه".to_owned()], ..config() }).await;
    let html = reqwest::get(site.url("/")).await.unwrap().text().await.unwrap();
    assert!(html.contains("dir=\"auto\">یک &lt;b&gt; نمونه</button>"));
    assert!(!html.contains("45001"));
}

#[tokio::test]
async fn the_script_never_writes_markup() {
    let site = Site::start().await;
    let script = reqwest::get(site.url("/app.js")).await.unwrap().text().await.unwrap();
    for way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
        assert!(!script.contains(way), "{way}");
    }
}
