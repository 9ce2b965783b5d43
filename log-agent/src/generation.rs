//! Which file is it? A generation is what one writer wrote into one file from its first byte on, under whatever names the
//! file goes. Its id comes from its first line, so that it can be told again after all state is lost; a guard over the
//! bytes before a place tells whether a file still holds what was read. No files are opened here.

use std::fmt::{self, Write as _};

/// Of a first line, so many bytes go into the id. Docker's longest entry, 16 KiB of control characters each escaped by
/// six bytes, has its time behind all of them, and the time is what tells two generations apart.
pub const FIRST_LINE_BYTES: usize = 128 * 1024;
/// A guard covers so many bytes: more than a time to the nanosecond, which no two lines of one file share.
pub const GUARD_BYTES: usize = 64;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// 96 bits that name a generation. A machine would have to see 2^40 generations for one chance in 65,000 of two alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GenerationId([u8; 12]);

impl GenerationId {
    /// The id of what begins with `first_line` in a file of `source`.
    #[must_use]
    pub fn new(source: &str, first_line: &[u8]) -> Self {
        let mut hash = Fnv128::default();
        hash.update(source.as_bytes());
        hash.update(b"\n");
        hash.update(&first_line[..first_line.len().min(FIRST_LINE_BYTES)]);
        Self::fold(hash)
    }

    /// The id under which a file's documents go that was found, `salt` times, to hold other bytes after the same first
    /// line: it must not share ids with what it held before.
    #[must_use]
    pub fn salted(self, salt: u32) -> Self {
        if salt == 0 {
            return self;
        }
        let mut hash = Fnv128::default();
        hash.update(&self.0);
        hash.update(&salt.to_le_bytes());
        Self::fold(hash)
    }

    fn fold(hash: Fnv128) -> Self {
        let folded = hash.0 ^ (hash.0 >> 96);
        let mut id = [0; 12];
        id.copy_from_slice(&folded.to_be_bytes()[4..]);
        Self(id)
    }

    /// The first 16 characters of the ids of its documents.
    #[must_use]
    pub fn letters(self) -> [u8; 16] {
        let mut letters = [0; 16];
        for (three, four) in self.0.as_chunks::<3>().0.iter().zip(letters.as_chunks_mut::<4>().0) {
            *four = base64(u32::from_be_bytes([0, three[0], three[1], three[2]]));
        }
        letters
    }

    /// Reads [`Self::letters`] back.
    #[must_use]
    pub fn from_letters(letters: &str) -> Option<Self> {
        let letters: &[u8; 16] = letters.as_bytes().try_into().ok()?;
        let mut id = [0; 12];
        for (four, three) in letters.as_chunks::<4>().0.iter().zip(id.as_chunks_mut::<3>().0) {
            let mut bits = 0;
            for letter in four {
                bits = bits << 6 | u32::try_from(ALPHABET.iter().position(|known| known == letter)?).ok()?;
            }
            three.copy_from_slice(&bits.to_be_bytes()[1..]);
        }
        Some(Self(id))
    }
}

impl fmt::Display for GenerationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.letters().iter().try_for_each(|letter| formatter.write_char(char::from(*letter)))
    }
}

/// The last eight characters of a document's id: where its line starts. Files end before 2^48 bytes.
#[must_use]
pub fn offset_letters(offset: u64) -> [u8; 8] {
    let bytes = offset.to_be_bytes();
    let (first, second) = (
        base64(u32::from_be_bytes([0, bytes[2], bytes[3], bytes[4]])),
        base64(u32::from_be_bytes([0, bytes[5], bytes[6], bytes[7]])),
    );
    let mut letters = [0; 8];
    letters[..4].copy_from_slice(&first);
    letters[4..].copy_from_slice(&second);
    letters
}

fn base64(bits: u32) -> [u8; 4] {
    let letter = |shift: u32| ALPHABET[(bits >> shift & 63) as usize];
    [letter(18), letter(12), letter(6), letter(0)]
}

/// What stands just before a place in a file, as a hash of at most [`GUARD_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// So many bytes: fewer only near the start of the file.
    pub length: u8,
    /// Their hash.
    pub hash: u64,
}

impl Default for Guard {
    /// Of the beginning of a file.
    fn default() -> Self {
        Self::of(&[])
    }
}

impl Guard {
    /// The guard of the place where `before` ends.
    #[must_use]
    pub fn of(before: &[u8]) -> Self {
        let covered = &before[before.len().saturating_sub(GUARD_BYTES)..];
        // FNV-1a: written into checkpoints, so it must be the same in every release.
        let hash = covered
            .iter()
            .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        Self { length: u8::try_from(covered.len()).unwrap_or(u8::MAX), hash }
    }
}

/// FNV-1a with 128 bits: the same in every release, and enough where nobody gains by a collision in his own log.
#[derive(Clone, Copy, Debug)]
pub struct Fnv128(u128);

impl Default for Fnv128 {
    fn default() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }
}

impl Fnv128 {
    /// Takes more bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
        self.0 = bytes.iter().fold(self.0, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME));
    }

    /// The hash of all bytes so far.
    #[must_use]
    pub const fn value(self) -> u128 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        let mut hash = Fnv128::default();
        hash.update(b"a");
        assert_eq!(hash.value(), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
        assert_eq!(Guard::of(b"a").hash, 0xaf63_dc4c_8601_ec8c);
    }

    /// Documents of an older release must keep their ids.
    #[test]
    fn ids_never_change() {
        let id = GenerationId::new("container", b"first line");
        assert_eq!((id.to_string().as_str(), offset_letters(1 << 40)), ("qoiV-L-lFJ-c6E6E", *b"AQAAAAAA"), "{id}");
    }

    #[test]
    fn sources_first_lines_and_salts_tell_generations_apart() {
        let all = [("a", "x", 0), ("a", "y", 0), ("b", "x", 0), ("a", "x", 1), ("a", "x", 2)];
        let all = all.map(|(source, line, salt)| GenerationId::new(source, line.as_bytes()).salted(salt));
        assert!(all.iter().enumerate().all(|(place, id)| !all[..place].contains(id)), "{all:?}");
    }

    #[test]
    fn a_guard_covers_the_last_bytes() {
        let text = [b'x'; 200];
        assert_eq!(Guard::of(&text), Guard::of(&text[..64]));
        assert_ne!(Guard::of(&text[..63]), Guard::of(&text[..64]));
        assert_eq!(Guard::of(b"").length, 0);
    }

    proptest! {
        #[test]
        fn letters_read_back(source in ".*", line in any::<Vec<u8>>()) {
            let id = GenerationId::new(&source, &line);
            prop_assert_eq!(GenerationId::from_letters(&id.to_string()), Some(id));
        }

        #[test]
        fn offsets_are_ordered_as_their_letters_are_told_apart(one in 0..1_u64 << 48, two in 0..1_u64 << 48) {
            prop_assert_eq!(one == two, offset_letters(one) == offset_letters(two));
        }
    }
}
