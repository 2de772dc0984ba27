//! HTTP Basic for the one communication user. The comparison takes the same time whatever was sent, and nothing sent is kept.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use super::error::plain;

/// The credentials expected, as they stand in the header.
pub(crate) struct BasicAuth {
    expected: String,
}

impl BasicAuth {
    pub(crate) fn new(user: &str, password: &str) -> BasicAuth {
        BasicAuth { expected: base64(format!("{user}:{password}").as_bytes()) }
    }

    /// Whether the request carries the right credentials.
    pub(crate) fn allows(&self, headers: &HeaderMap) -> bool {
        let sent = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
        let (scheme, credentials) = sent.split_at_checked(6).unwrap_or((&[], &[]));
        scheme.eq_ignore_ascii_case(b"basic ") && same(credentials.trim_ascii(), self.expected.as_bytes())
    }
}

/// Gateway's answer to wrong or missing credentials: HTML, whatever was asked for.
pub(crate) fn logon_failed() -> Response<Body> {
    let html = "<html><head><title>Logon failed</title></head><body><h1>Logon failed</h1>\
                <p>You are not authorized to use this service: the user or the password is wrong.</p>\
                <p>HTTP 401 - Unauthorized</p></body></html>";
    let mut response = plain(StatusCode::UNAUTHORIZED, "text/html; charset=utf-8", html.to_owned());
    let _previous = response.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static("Basic realm=\"SAP NetWeaver Application Server [S4H/100]\""),
    );
    response
}

fn same(sent: &[u8], expected: &[u8]) -> bool {
    let mut difference = sent.len() ^ expected.len();
    for (index, byte) in expected.iter().enumerate() {
        difference |= usize::from(byte ^ sent.get(index).copied().unwrap_or_default());
    }
    difference == 0
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0usize, |group, byte| group << 8 | usize::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = ALPHABET[group >> (18 - 6 * place) & 63];
            text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        headers
    }

    #[test]
    fn base64_pads_every_remainder() {
        let written: Vec<String> = [&b""[..], b"f", b"fo", b"foo", b"foob"].map(base64).into();
        assert_eq!(written, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]);
    }

    #[test]
    fn only_the_whole_credentials_are_let_in() {
        let auth = BasicAuth::new("Aladdin", "open sesame");
        assert!(auth.allows(&with("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")));
        assert!(auth.allows(&with("basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")));
        for wrong in [
            "",
            "Basic",
            "Basic ",
            "Basic QWxhZGRpbjpvcGVuIHNlc2Ft",
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==A",
            "Bearer x",
        ] {
            assert!(!auth.allows(&with(wrong)), "{wrong:?} was let in");
        }
        assert!(!auth.allows(&HeaderMap::new()));
    }
}
