//! Where ids and secrets come from: the operating system or, so that a fixture's answers can be compared, a seed.

use super::id::Id;
use super::time::Timestamp;
use super::{Error, Result};
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicU64, Ordering};

/// A server's own source: two servers side by side disturb neither's sequence.
pub struct Entropy(Source);

enum Source {
    System,
    /// SHA-256 of the seed and a counter. Whoever knows the seed knows every secret: for fixtures only.
    Seed {
        seed: u64,
        blocks: AtomicU64,
        ids: AtomicU64,
    },
}

impl Entropy {
    pub fn system() -> Self {
        Entropy(Source::System)
    }

    /// The same seed gives the same sequence.
    pub fn seeded(seed: u64) -> Self {
        Entropy(Source::Seed { seed, blocks: AtomicU64::new(0), ids: AtomicU64::new(0) })
    }

    pub fn bytes<const N: usize>(&self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        match &self.0 {
            Source::System => getrandom::fill(&mut bytes).map_err(|error| Error::internal(error.to_string()))?,
            Source::Seed { seed, blocks, .. } => {
                for chunk in bytes.chunks_mut(32) {
                    let number = blocks.fetch_add(1, Ordering::SeqCst);
                    let block = Sha256::new().chain_update(seed.to_be_bytes()).chain_update(number.to_be_bytes()).finalize();
                    chunk.copy_from_slice(&block[..chunk.len()]);
                }
            }
        }
        Ok(bytes)
    }

    /// A new id, greater than those before it. From a seed it has the time `now`, a counter and bytes of the sequence.
    pub fn id<T: Id>(&self, now: Timestamp) -> Result<T> {
        let Source::Seed { ids, .. } = &self.0 else { return Ok(T::new()) };
        let count = u128::from(ids.fetch_add(1, Ordering::SeqCst));
        let millis = u128::from(now.millis().unsigned_abs());
        let random = u128::from(u32::from_be_bytes(self.bytes()?));
        // UUIDv7 (RFC 9562) with a counter of 42 bits behind the time: 12 above the variant, 30 below it.
        let digits = millis << 80 | 0x7 << 76 | (count >> 30 & 0xfff) << 64 | 0b10 << 62 | (count & 0x3fff_ffff) << 32 | random;
        Ok(T::from_valid(format!("{}{digits:032x}", T::PREFIX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::TaskId;

    const NOW: Timestamp = Timestamp::from_millis(1_893_456_000_000);

    #[test]
    fn a_seed_gives_its_own_sequence() {
        let draw = |entropy: &Entropy| (entropy.bytes::<48>().unwrap(), entropy.id::<TaskId>(NOW).unwrap());
        assert_eq!(draw(&Entropy::seeded(7)), draw(&Entropy::seeded(7)));
        assert_ne!(draw(&Entropy::seeded(7)), draw(&Entropy::seeded(8)));
        let entropy = Entropy::seeded(7);
        assert_ne!(draw(&entropy), draw(&entropy));
        assert_ne!(draw(&Entropy::system()), draw(&Entropy::system()));
    }

    #[test]
    fn seeded_ids_are_valid_uuids_of_version_7_in_order() {
        let entropy = Entropy::seeded(1);
        let ids: Vec<TaskId> = (0..1_000).map(|_| entropy.id(NOW).unwrap()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        for id in ids {
            assert_eq!(<TaskId as Id>::parse(id.as_str()), Some(id.clone()));
            let uuid = uuid::Uuid::parse_str(&id.as_str()["task_".len()..]).unwrap();
            assert_eq!((uuid.get_version_num(), uuid.get_variant()), (7, uuid::Variant::RFC4122));
        }
    }
}
