//! Chooses the partition of a key as Kafka's Java client does, so that a log moved to Kafka keeps every conversation
//! on the partition it had. Pure.

const SEED: u32 = 0x9747_b28c;
const MIX: u32 = 0x5bd1_e995;

/// The partition of a key among `partitions`.
pub(super) fn of_key(key: &[u8], partitions: i32) -> i32 {
    among(murmur2(key), partitions)
}

/// A partition for the n-th record without a key.
pub(super) fn of_turn(turn: u32, partitions: i32) -> i32 {
    among(turn, partitions)
}

fn among(number: u32, partitions: i32) -> i32 {
    (number & 0x7fff_ffff).cast_signed() % partitions.max(1)
}

fn murmur2(bytes: &[u8]) -> u32 {
    // The Java client takes the length as a 32 bit number too; a key is bounded far below that.
    let mut hash = SEED ^ u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(MIX);
        k ^= k >> 24;
        hash = hash.wrapping_mul(MIX) ^ k.wrapping_mul(MIX);
    }
    if !rest.is_empty() {
        for (place, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * place);
        }
        hash = hash.wrapping_mul(MIX);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(MIX);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_hash_is_that_of_the_java_client() {
        let known: [(&str, i32); 6] = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ];
        for (text, hash) in known {
            assert_eq!(murmur2(text.as_bytes()).cast_signed(), hash, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_partition_is_always_one_of_the_topic(key in proptest::collection::vec(any::<u8>(), 0..40), partitions in 1..200_i32) {
            prop_assert!((0..partitions).contains(&of_key(&key, partitions)));
        }
    }
}
