//! Base64 in both alphabets: that of URLs for ids, the usual one for HTTP. It pads nothing and decodes ids only.

/// Letters that need no escape in URLs.
pub const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// The usual letters.
pub const USUAL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Four letters of `alphabet` for three bytes.
#[must_use]
pub fn letters(three: [u8; 3], alphabet: &[u8; 64]) -> [u8; 4] {
    let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
    [18, 12, 6, 0].map(|shift| alphabet[(bits >> shift & 63) as usize])
}

/// Three bytes for four letters of `alphabet`; `None`: one of them is not in it.
#[must_use]
pub fn bytes(four: [u8; 4], alphabet: &[u8; 64]) -> Option<[u8; 3]> {
    let mut bits = 0_u32;
    for letter in four {
        bits = bits << 6 | u32::try_from(alphabet.iter().position(|known| *known == letter)?).ok()?;
    }
    let [_, three @ ..] = bits.to_be_bytes();
    Some(three)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn letters_are_the_published_ones() {
        assert_eq!((letters(*b"foo", USUAL), letters([0xfb, 0xff, 0xbf], USUAL)), (*b"Zm9v", *b"+/+/"));
        assert_eq!(letters([0xfb, 0xff, 0xbf], URL), *b"-_-_");
        assert_eq!(bytes(*b"Zm9!", USUAL), None);
    }

    proptest! {
        #[test]
        fn letters_read_back(three in any::<[u8; 3]>()) {
            prop_assert_eq!(bytes(letters(three, URL), URL), Some(three));
        }
    }
}
