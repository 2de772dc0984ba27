//! A model as bytes and back. What comes in may be cut, flipped or made up: it is checked before it is believed, and nothing is
//! allocated that the bytes at hand do not fill.

use sha2::{Digest, Sha256};

use super::ClassifierError;
use super::model::{Model, Parts, Quantised};
use super::scope::{SIGNS, Scope};
use crate::language::normal::NORMAL_FORM_VERSION;

const MAGIC: &[u8; 8] = b"PEYVANDI";
/// Grows with every change of the layout, of the features or of their hash.
const FORMAT_VERSION: u32 = 1;
const CHECKSUM: usize = 32;

impl Model {
    /// The model in its own format, little-endian, ending in a checksum.
    pub fn to_bytes(&self) -> Vec<u8> {
        let parts = &self.parts;
        let mut out = Vec::with_capacity(parts.weights.weights.len() + 16 * parts.hashes.len() + 4_096);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&u32::from(NORMAL_FORM_VERSION).to_le_bytes());
        out.extend_from_slice(&parts.catalogue);
        for count in [parts.intents.len(), parts.weights.biases.len(), parts.hashes.len()] {
            put_count(&mut out, count);
        }
        for intent in &parts.intents {
            put_count(&mut out, intent.len());
            out.extend_from_slice(intent.as_bytes());
        }
        put_floats(&mut out, &[parts.temperature, parts.scope.bias]);
        put_floats(&mut out, &parts.scope.weights);
        put_floats(&mut out, &parts.weights.biases);
        out.extend(parts.hashes.iter().flat_map(|hash| hash.to_le_bytes()));
        put_floats(&mut out, &parts.importance);
        put_floats(&mut out, &parts.weights.scales);
        out.extend(parts.weights.weights.iter().map(|weight| weight.cast_unsigned()));
        let checksum = Sha256::digest(&out);
        out.extend_from_slice(&checksum);
        out
    }

    /// Reads what [`Model::to_bytes`] wrote, as long as format and normal form are still the same.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ClassifierError> {
        let mut head = Reader(bytes);
        if head.take(MAGIC.len()).map_or(true, |magic| magic != MAGIC) {
            return Err(ClassifierError::NotAModel);
        }
        let format = head.count()?;
        if format != FORMAT_VERSION as usize {
            return Err(ClassifierError::OtherVersion);
        }
        let body_len = bytes.len().checked_sub(CHECKSUM).ok_or(ClassifierError::Damaged)?;
        let (signed, checksum) = bytes.split_at(body_len);
        if checksum != &Sha256::digest(signed)[..] {
            return Err(ClassifierError::Damaged);
        }
        let mut body = Reader(signed.get(MAGIC.len() + 4..).ok_or(ClassifierError::Damaged)?);
        if body.count()? != usize::from(NORMAL_FORM_VERSION) {
            return Err(ClassifierError::OtherVersion);
        }
        let parts = body.parts()?;
        if !body.0.is_empty() || !holds_together(&parts) {
            return Err(ClassifierError::Damaged);
        }
        Ok(Self::new(parts))
    }
}

/// A checksum only proves that the bytes are as they were written, not that a model wrote them.
fn holds_together(parts: &Parts) -> bool {
    let floats = [&parts.importance, &parts.weights.scales, &parts.weights.biases];
    let background = parts.weights.biases.len().checked_sub(parts.intents.len());
    matches!(background, Some(0 | 1))
        && parts.intents.is_sorted_by(|a, b| a < b)
        && !parts.intents.is_empty()
        && floats.into_iter().flatten().chain(&parts.scope.weights).all(|f| f.is_finite())
        && parts.scope.bias.is_finite()
        && parts.temperature.is_finite()
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(&(count as u32).to_le_bytes());
}

fn put_floats(out: &mut Vec<u8>, floats: &[f32]) {
    out.extend(floats.iter().flat_map(|f| f.to_le_bytes()));
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], ClassifierError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(ClassifierError::Damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    fn many<const N: usize, T>(
        &mut self,
        count: usize,
        read: fn([u8; N]) -> T,
    ) -> Result<Vec<T>, ClassifierError> {
        let bytes = self.take(count.checked_mul(N).ok_or(ClassifierError::Damaged)?)?;
        Ok(bytes.as_chunks::<N>().0.iter().map(|chunk| read(*chunk)).collect())
    }

    fn one<const N: usize, T>(&mut self, read: fn([u8; N]) -> T) -> Result<T, ClassifierError> {
        self.take(N)?.first_chunk::<N>().map(|chunk| read(*chunk)).ok_or(ClassifierError::Damaged)
    }

    fn count(&mut self) -> Result<usize, ClassifierError> {
        self.one(u32::from_le_bytes).map(|count| count as usize)
    }

    fn name(&mut self) -> Result<String, ClassifierError> {
        let length = self.count()?;
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| ClassifierError::Damaged)
    }

    fn parts(&mut self) -> Result<Parts, ClassifierError> {
        let catalogue = self.one(|bytes: [u8; 32]| bytes)?;
        let (intent_count, classes, rows) = (self.count()?, self.count()?, self.count()?);
        let mut intents = Vec::new();
        for _ in 0..intent_count {
            intents.push(self.name()?);
        }
        let temperature = self.one(f32::from_le_bytes)?;
        let bias = self.one(f32::from_le_bytes)?;
        let mut weights = [0.0; SIGNS];
        for weight in &mut weights {
            *weight = self.one(f32::from_le_bytes)?;
        }
        let biases = self.many(classes, f32::from_le_bytes)?;
        let hashes = self.many(rows, u64::from_le_bytes)?;
        let importance = self.many(rows, f32::from_le_bytes)?;
        let scales = self.many(rows, f32::from_le_bytes)?;
        let cells = rows.checked_mul(classes).ok_or(ClassifierError::Damaged)?;
        let quantised = Quantised { scales, weights: self.many(cells, i8::from_le_bytes)?, biases };
        let scope = Scope { weights, bias };
        Ok(Parts { intents, catalogue, temperature, scope, hashes, importance, weights: quantised })
    }
}
