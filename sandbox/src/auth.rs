//! HTTP Basic and bearer tokens. A comparison takes the same time whatever was sent, and nothing sent is kept.

use axum::http::{HeaderMap, HeaderValue, header};

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
        credentials(headers, b"basic ").is_some_and(|sent| same(sent, self.expected.as_bytes()))
    }

    /// Whether the request tries this way at all.
    pub(crate) fn is_tried(headers: &HeaderMap) -> bool {
        credentials(headers, b"basic ").is_some()
    }
}

/// Whether the request carries this bearer token.
pub(crate) fn bears(headers: &HeaderMap, token: &str) -> bool {
    credentials(headers, b"bearer ").is_some_and(|sent| same(sent, token.as_bytes()))
}

fn credentials<'a>(headers: &'a HeaderMap, scheme: &[u8]) -> Option<&'a [u8]> {
    let sent = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes)?;
    let (named, credentials) = sent.split_at_checked(scheme.len())?;
    named.eq_ignore_ascii_case(scheme).then_some(credentials.trim_ascii())
}

/// Compares in a time that does not depend on what was sent.
pub(crate) fn same(sent: &[u8], expected: &[u8]) -> bool {
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

    #[test]
    fn only_the_whole_token_is_let_in() {
        assert!(bears(&with("Bearer abc"), "abc") && bears(&with("bearer  abc "), "abc"));
        for wrong in ["", "Bearer", "Bearer ", "Bearer ab", "Bearer abcd", "Basic abc", "abc"] {
            assert!(!bears(&with(wrong), "abc"), "{wrong:?} was let in");
        }
    }
}
