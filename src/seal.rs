//! Bytes that are kept for later and may hold anything: sealed, so that whoever reads where they are kept reads nothing,
//! and opened again only by whoever has the key. It may not know what they are nor where they are kept.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    rand,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::privacy::Sensitive;

const KEY_BYTES: usize = 32;
/// Keys that are tried at most, the newest first.
const KEYS_MAX: usize = 16;
/// What a sealed payload is longer by: the nonce before it and the tag behind it.
pub const SEAL_BYTES: usize = NONCE_LEN + 16;

/// Which key something is sealed with: the beginning of the key's SHA-256, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyId(String);

impl KeyId {
    fn of(key: &[u8; KEY_BYTES]) -> Self {
        Self(Sha256::digest(key).iter().take(4).map(|byte| format!("{byte:02x}")).collect())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The keys of an installation. The newest seals, all of them open, so that a key can be changed while what is sealed with
/// the one before is still kept. `Debug` prints their ids alone.
pub struct SealKeys {
    newest: (KeyId, RandomizedNonceKey),
    older: Vec<(KeyId, RandomizedNonceKey)>,
}

/// Bytes that say nothing without the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Which key opens them.
    pub key_id: KeyId,
    /// A nonce, the ciphertext and its tag.
    pub bytes: Vec<u8>,
}

/// Why something stays sealed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// There is no such key here.
    #[error("it is sealed with the key {0}, which is not among letters.key")]
    NoSuchKey(String),
    /// It was changed, or belongs elsewhere.
    #[error("its seal is broken: the bytes are not those that were put aside here")]
    Broken,
}

impl SealError {
    /// A bounded label for metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NoSuchKey(_) => "no_such_key",
            Self::Broken => "broken_seal",
        }
    }
}

impl SealKeys {
    /// Reads keys of 32 bytes in Base64 with white space between them, the newest first; `None` when that is not what the text
    /// holds.
    pub fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.len() > KEYS_MAX {
            return None;
        }
        let key = |word: &&str| Self::key(&STANDARD.decode(word).ok()?.try_into().ok()?);
        let mut keys = words.iter().map(key).collect::<Option<Vec<_>>>()?.into_iter();
        Some(Self { newest: keys.next()?, older: keys.collect() })
    }

    /// A new key as [`SealKeys::parse`] reads it; `None` when the system gives no randomness.
    pub fn new_text() -> Option<Sensitive<String>> {
        let mut key = [0; KEY_BYTES];
        rand::fill(&mut key).ok()?;
        Some(STANDARD.encode(key).into())
    }

    fn key(bytes: &[u8; KEY_BYTES]) -> Option<(KeyId, RandomizedNonceKey)> {
        Some((KeyId::of(bytes), RandomizedNonceKey::new(&AES_256_GCM, bytes).ok()?))
    }

    /// Which key seals.
    pub fn newest(&self) -> &KeyId {
        &self.newest.0
    }

    /// Seals bytes with the newest key (AES-256-GCM, a random nonce each); they open only under the same `about`. `None` when the
    /// system gives no randomness.
    pub fn seal(&self, about: &[u8], bytes: &[u8]) -> Option<Sealed> {
        let (key_id, key) = &self.newest;
        let mut sealed = bytes.to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::from(about), &mut sealed).ok()?;
        sealed.splice(..0, nonce.as_ref().iter().copied());
        Some(Sealed { key_id: key_id.clone(), bytes: sealed })
    }

    /// The bytes that were sealed about this.
    ///
    /// # Errors
    /// [`SealError`] says why they stay sealed.
    pub fn open(&self, key_id: &str, about: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut keys = std::iter::once(&self.newest).chain(&self.older);
        let found = keys.find(|(have, _)| have.as_str() == key_id);
        let (_, key) = found.ok_or_else(|| SealError::NoSuchKey(key_id.chars().take(16).collect()))?;
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Broken)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let mut rest = rest.to_vec();
        let opened = key.open_in_place(nonce, Aad::from(about), &mut rest).map_err(|_| SealError::Broken)?;
        let length = opened.len();
        rest.truncate(length);
        Ok(rest)
    }
}

impl fmt::Debug for SealKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = std::iter::once(&self.newest).chain(&self.older).map(|(id, _)| id.as_str());
        f.debug_list().entries(ids).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(bytes: &[u8]) -> SealKeys {
        let words = bytes.iter().map(|byte| STANDARD.encode([*byte; KEY_BYTES]));
        SealKeys::parse(&words.collect::<Vec<_>>().join("\n")).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_again_and_shows_nothing_of_itself(
            bytes in proptest::collection::vec(any::<u8>(), 0..400),
            about in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let keys = keys(&[1]);
            let sealed = keys.seal(&about, &bytes).unwrap();
            prop_assert_eq!(sealed.bytes.len(), bytes.len() + SEAL_BYTES);
            let is_seen = bytes.len() >= 8 && sealed.bytes.windows(bytes.len()).any(|part| part == bytes);
            prop_assert!(!is_seen);
            prop_assert_eq!(keys.open(sealed.key_id.as_str(), &about, &sealed.bytes), Ok(bytes));
        }

        #[test]
        fn what_was_changed_anywhere_or_is_shown_elsewhere_stays_sealed(at in 0_usize..48, bit in 0_u8..8) {
            let keys = keys(&[1]);
            let mut sealed = keys.seal(b"here", &[7; 20]).unwrap();
            let open = |about: &[u8], bytes: &[u8]| keys.open(sealed.key_id.as_str(), about, bytes);
            prop_assert_eq!(open(b"there", &sealed.bytes), Err(SealError::Broken));
            prop_assert_eq!(open(b"here", &sealed.bytes[..at]), Err(SealError::Broken));
            let mut changed = sealed.bytes.clone();
            changed[at] ^= 1 << bit;
            prop_assert_eq!(open(b"here", &changed), Err(SealError::Broken));
            sealed.bytes.push(0);
            prop_assert_eq!(keys.open(sealed.key_id.as_str(), b"here", &sealed.bytes), Err(SealError::Broken));
        }
    }

    #[test]
    fn a_key_is_changed_while_what_the_one_before_sealed_still_opens() {
        let (before, after) = (keys(&[1]), keys(&[2, 1]));
        let old = before.seal(b"", b"old").unwrap();
        assert_eq!(after.open(old.key_id.as_str(), b"", &old.bytes).as_deref(), Ok(&b"old"[..]));
        let new = after.seal(b"", b"new").unwrap();
        let missing = before.open(new.key_id.as_str(), b"", &new.bytes);
        assert_eq!(missing, Err(SealError::NoSuchKey(new.key_id.as_str().to_owned())));
    }

    #[test]
    fn the_same_bytes_are_sealed_anew_each_time() {
        let keys = keys(&[1]);
        assert_ne!(keys.seal(b"", b"same").unwrap().bytes, keys.seal(b"", b"same").unwrap().bytes);
    }

    #[test]
    fn only_keys_of_thirty_two_bytes_in_base64_are_keys_and_none_is_printed() {
        let text = SealKeys::new_text().unwrap();
        let key = text.expose();
        let shown = format!("{:?}", SealKeys::parse(key).unwrap());
        assert!(shown.len() < 20 && !shown.contains(&key[..8]), "{shown}");
        for wrong in
            ["", " \n", "geheim", &key[4..], &format!("{key} geheim"), &vec![key.as_str(); 17].join(" ")]
        {
            assert!(SealKeys::parse(wrong).is_none());
        }
    }
}
