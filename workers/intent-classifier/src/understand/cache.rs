//! The vectors of the catalogue's texts on disk, so that a restart asks the server nothing. A file that does not hold together is
//! as good as none: everything in it can be asked again. It holds hashes and vectors, no text.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

const MAGIC: &[u8; 8] = b"PEYVANDE";
const VERSION: u32 = 1;
const HEAD: usize = 8 + 4 + 4;
const HASH: usize = 32;
const BYTES_MAX: u64 = 4 << 30;

/// A server's model and a text, as the cache knows them.
pub(super) type Key = [u8; HASH];

/// The vectors of one server's model.
pub(super) type Vectors = HashMap<Key, Vec<f32>>;

/// A model at an address: another server may have another model under the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Source([u8; HASH]);

impl Source {
    pub(super) fn new(address: &str, model: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update((address.len() as u64).to_le_bytes());
        hash.update(address);
        hash.update(model);
        Self(hash.finalize().into())
    }

    /// The key of a text.
    pub(super) fn key(self, text: &str) -> Key {
        Sha256::new().chain_update(self.0).chain_update(text).finalize().into()
    }
}

/// The file for a server's model in the cache folder.
pub(super) fn file(folder: &Path, source: Source) -> PathBuf {
    let name: String = source.0.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    folder.join(format!("embeddings-{name}.bin"))
}

/// What the file holds.
pub(super) fn read(path: &Path) -> Vectors {
    let fits = std::fs::metadata(path).is_ok_and(|about| about.len() <= BYTES_MAX);
    let bytes = if fits { std::fs::read(path).ok() } else { None };
    bytes.and_then(|bytes| parse(&bytes)).unwrap_or_default()
}

fn parse(bytes: &[u8]) -> Option<Vectors> {
    let (body, checksum) = bytes.split_at_checked(bytes.len().checked_sub(HASH)?)?;
    if checksum != &Sha256::digest(body)[..] {
        return None;
    }
    let (head, records) = body.split_at_checked(HEAD)?;
    let number = |at: usize| Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?));
    if head.get(..8)? != MAGIC || number(8)? != VERSION {
        return None;
    }
    let length = number(12)? as usize;
    let record = length.checked_mul(4)?.checked_add(HASH)?;
    if records.len() % record != 0 {
        return None;
    }
    let vector = |numbers: &[u8]| {
        numbers.as_chunks::<4>().0.iter().map(|number| f32::from_le_bytes(*number)).collect::<Vec<f32>>()
    };
    let entry = |record: &[u8]| {
        let (key, numbers) = record.split_first_chunk::<HASH>()?;
        Some((*key, vector(numbers)))
    };
    records.chunks_exact(record).map(entry).collect()
}

/// Writes the file whole, or not at all.
pub(super) fn write(path: &Path, vectors: &Vectors) -> io::Result<()> {
    let length = vectors.values().next().map_or(0, Vec::len);
    let mut bytes = Vec::with_capacity(HEAD + vectors.len() * (HASH + 4 * length) + HASH);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(length as u32).to_le_bytes());
    for (key, vector) in vectors.iter().filter(|(_, vector)| vector.len() == length) {
        bytes.extend_from_slice(key);
        bytes.extend(vector.iter().flat_map(|number| number.to_le_bytes()));
    }
    let checksum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&checksum);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        // Half a file on a full disk only makes it fuller.
        drop(std::fs::remove_file(&beside));
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_a_damaged_file_is_none() {
        let folder = std::env::temp_dir().join(format!("peyvand-cache-{}", uuid::Uuid::new_v4()));
        let source = Source::new("http://e5", "e5");
        let path = file(&folder, source);
        let vectors: Vectors =
            [(source.key("a"), vec![1.0, -2.5]), (source.key("b"), vec![0.0, f32::MIN_POSITIVE])].into();
        write(&path, &vectors).unwrap();
        assert_eq!(read(&path), vectors);
        let whole = std::fs::read(&path).unwrap();
        for at in [0, 9, 13, HEAD + 3, whole.len() - 1] {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            assert_eq!(parse(&flipped), None, "byte {at}");
        }
        for keep in 0..whole.len() {
            assert_eq!(parse(&whole[..keep]), None);
        }
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(read(&path).is_empty());
    }

    #[test]
    fn another_address_model_or_text_has_another_key() {
        let source = Source::new("http://one", "e5");
        assert_ne!(source.key("a"), source.key("b"));
        for (address, model) in [("http://two", "e5"), ("http://one", "e6"), ("http://onee", "5")] {
            let other = Source::new(address, model);
            assert_ne!(source.key("a"), other.key("a"), "{address} {model}");
            assert_ne!(file(Path::new("x"), source), file(Path::new("x"), other), "{address} {model}");
        }
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing_behind() {
        let folder = std::env::temp_dir().join(format!("peyvand-cache-{}", uuid::Uuid::new_v4()));
        let path = folder.join("embeddings.bin");
        // A folder in its place, with something in it.
        std::fs::create_dir_all(path.join("full")).unwrap();
        assert!(write(&path, &Vectors::new()).is_err());
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
