//! Which file is it? A generation is what one writer wrote into one file from its first byte on, under whatever names the
//! file goes. Its id comes from its first line, so that it can be told again after all state is lost; a guard over the
//! bytes before a place tells whether a file still holds what was read. No files are opened here.

use std::fmt::{self, Write as _};

use crate::base64;

/// Of a first line, so many bytes go into the id. Docker's longest entry, 16 KiB of control characters each escaped by
/// six bytes, has its time behind all of them, and the time is what tells two generations apart.
pub const FIRST_LINE_BYTES: usize = 128 * 1024;
/// A guard covers so many bytes: more than a time to the nanosecond, which no two lines of one file share.
pub const GUARD_BYTES: usize = 64;

/// 96 bits that name a generation. A machine would have to see 2^40 generations for one chance in 65,000 of two alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GenerationId([u8; 12]);

/// How many bytes of a hole stand before `line`: a file that is emptied under a writer that keeps its place, or is not written
/// out before the power goes, has zeros where nothing was written.
#[must_use]
pub fn holes(line: &[u8]) -> usize {
    if line.first() == Some(&0) { line.iter().position(|byte| *byte != 0).unwrap_or(line.len()) } else { 0 }
}

impl GenerationId {
    /// The id of what begins with `first_line` in a file of `source`; holes before it do not count.
    #[must_use]
    pub fn new(source: &str, first_line: &[u8]) -> Self {
        let mut hash = Fnv128::default();
        hash.update(source.as_bytes());
        hash.update(b"\n");
        let first_line = &first_line[holes(first_line)..];
        hash.update(&first_line[..first_line.len().min(FIRST_LINE_BYTES)]);
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
            *four = base64::letters(*three, base64::URL);
        }
        letters
    }

    /// Reads [`Self::letters`] back.
    #[must_use]
    pub fn from_letters(letters: &str) -> Option<Self> {
        let letters: &[u8; 16] = letters.as_bytes().try_into().ok()?;
        let mut id = [0; 12];
        for (four, three) in letters.as_chunks::<4>().0.iter().zip(id.as_chunks_mut::<3>().0) {
            *three = base64::bytes(*four, base64::URL)?;
        }
        Some(Self(id))
    }
}

impl fmt::Display for GenerationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.letters().iter().try_for_each(|letter| formatter.write_char(char::from(*letter)))
    }
}

/// The other letters of a document's id: eight for the offset of its line, for files end before 2^48 bytes, and six for 36
/// bits of what stands there. So whatever is read twice has the same id, and what else is found there later has another.
#[must_use]
pub fn line_letters(offset: u64, fingerprint: u64) -> [u8; 14] {
    let [_, _, offset @ ..] = offset.to_be_bytes();
    let [first, second, third, fourth, fifth, ..] = fingerprint.to_be_bytes();
    let mut letters = [0; 14];
    letters[..4].copy_from_slice(&base64::letters([offset[0], offset[1], offset[2]], base64::URL));
    letters[4..8].copy_from_slice(&base64::letters([offset[3], offset[4], offset[5]], base64::URL));
    letters[8..12].copy_from_slice(&base64::letters([first, second, third], base64::URL));
    letters[12..].copy_from_slice(&base64::letters([fourth, fifth, 0], base64::URL)[..2]);
    letters
}

/// A hash of 64 bits, eight bytes at a time, because it is taken of every line. It is written into ids and checkpoints, so it
/// must be the same in every release.
#[must_use]
pub fn fingerprint(bytes: &[u8]) -> u64 {
    // Digits of pi: odd, and with as many ones as zeros, about.
    const START: u64 = 0x243f_6a88_85a3_08d3;
    const FACTOR: u64 = 0x1319_8a2e_0370_7345;
    let mixed = |hash: u64, word: u64| {
        let product = u128::from(hash ^ word) * u128::from(FACTOR);
        (product >> 64) as u64 ^ product as u64
    };
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(START, |hash, word| mixed(hash, u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mixed(mixed(hash, u64::from_le_bytes(last)), bytes.len() as u64)
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
        Self { length: u8::try_from(covered.len()).unwrap_or(u8::MAX), hash: fingerprint(covered) }
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
    }

    /// Documents of an older release must keep their ids.
    #[test]
    fn ids_never_change() {
        let id = GenerationId::new("container", b"first line").to_string();
        let line = line_letters(1 << 40, fingerprint(b"a line of some length"));
        assert_eq!((id.as_str(), std::str::from_utf8(&line).unwrap()), ("qoiV-L-lFJ-c6E6E", "AQAAAAAAs58scN"));
    }

    #[test]
    fn sources_and_first_lines_tell_generations_apart() {
        let all = [("a", "x"), ("a", "y"), ("b", "x")].map(|(source, line)| GenerationId::new(source, line.as_bytes()));
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
        fn places_and_texts_are_told_apart_by_their_letters(one in 0..1_u64 << 48, two in 0..1_u64 << 48, hash in any::<u64>()) {
            prop_assert_eq!(one == two, line_letters(one, hash) == line_letters(two, hash));
            prop_assert_ne!(line_letters(one, hash), line_letters(one, hash ^ 1 << 28));
        }

        #[test]
        fn a_changed_byte_changes_the_fingerprint(bytes in prop::collection::vec(any::<u8>(), 1..40), place in any::<prop::sample::Index>(), change in 1..=255_u8) {
            let mut other = bytes.clone();
            other[place.index(bytes.len())] ^= change;
            prop_assert_ne!(fingerprint(&bytes) >> 28, fingerprint(&other) >> 28);
            other.clone_from(&bytes);
            other.push(0);
            prop_assert_ne!(fingerprint(&bytes) >> 28, fingerprint(&other) >> 28);
        }
    }
}
